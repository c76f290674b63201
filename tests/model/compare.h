/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compare.h - do the NAT and its model agree?
 * Owns:       the comparison of tables, counters, released fragments and packets of their own;
 *             and what the model may ask the NAT.
 * Invariants: reads core's records one by one, never through its indexes.
 */
#ifndef TESTS_MODEL_COMPARE_H
#define TESTS_MODEL_COMPARE_H

#include "tests/model/model.h"

enum { COMPARE_TEXT = 1024 };

/* What the NAT has let go and wants sent, since it was last collected. */
struct said {
	struct m_release releases[MODEL_RECORDS];
	uint32_t release_count;
	struct m_output outputs[MODEL_OUTPUTS];
	uint32_t output_count;
	bool full; /* the ring was at times: some may be lost, or wait for others */
};

void compare_collect(struct nat *nat, struct said *said);
void compare_oracle(struct oracle *oracle, const struct nat *nat);

/* Each true if they agree; else the difference is in @why (COMPARE_TEXT bytes), its first word
 * the kind. @late: the NAT's timer has not run, it may still have what is over. */
bool compare_outcome(const struct nat *nat, struct model *m, const struct nat_outcome *real,
		     const struct m_outcome *wanted, char *why);
bool compare_said(struct model *m, struct said *said, bool late, char *why);
bool compare_tables(struct nat *nat, struct model *m, bool late, char *why);
bool compare_counters(const struct nat *nat, const struct model *m, char *why);

#endif
