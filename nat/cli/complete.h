/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * complete.h - what may be typed next
 * Owns:       the answer to `natem complete WORD...`, which the completion of bash and zsh asks for.
 * Invariants: made from the tables alone, without a daemon; asking for it changes nothing.
 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

/* Stands in the answer where names of files are wanted. */
#define COMPLETE_FILES ":files"

/*
 * complete_print() - each word that the last of @words may become, a line each
 * @words: all after "natem", whole; the last, which may be empty, is the one being typed
 * A line is the word, a tab and its meaning, which may be empty; or COMPLETE_FILES.
 */
void complete_print(int count, char *const *words);

#endif
