# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# natem.bash - completion of natem for bash, from 4.3 on
#
# What may be typed next is natem's to say: `natem complete WORD...` prints it, without a daemon. This
# file only deals with bash, which takes words apart at = and : before it asks.

# The words of the command line up to the cursor, whole, into _natem_words.
_natem_read_words() {
	local rest=${COMP_LINE:0:COMP_POINT} piece i blank

	_natem_words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		blank=${rest%%[![:space:]]*}
		rest=${rest#"$blank"}
		piece=${COMP_WORDS[i]}
		((i < COMP_CWORD)) || piece=$rest # what stands behind the cursor does not count
		rest=${rest#"$piece"}
		if [[ i -eq 0 || -n $blank ]]; then
			_natem_words+=("$piece")
		else
			_natem_words[-1]+=$piece
		fi
	done
}

_natem() {
	local -a _natem_words
	local program word typed done_part

	_natem_read_words
	program=${_natem_words[0]/#\~\//$HOME/}
	typed=${_natem_words[-1]}
	# Bash replaces only what follows the last = or :, where it breaks words at these.
	done_part=
	if [[ $COMP_WORDBREAKS == *=* && $typed == *=* ]]; then
		done_part=${typed%"${typed##*=}"}
	fi
	if [[ $COMP_WORDBREAKS == *:* && ${typed#"$done_part"} == *:* ]]; then
		done_part=${typed%"${typed##*:}"}
	fi
	COMPREPLY=()
	while IFS=$'\t' read -r word _; do
		if [[ $word == :files ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$typed")
			return
		fi
		COMPREPLY+=("${word#"$done_part"}")
		# KEY= is to be gone on with.
		[[ $word != *= ]] || compopt -o nospace
	done < <("$program" complete "${_natem_words[@]:1}" 2>/dev/null)
}

complete -F _natem natem
