/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/block.h"

#include <sys/mman.h>

/*
 * A table that is met in random order spends as much time on finding its pages as on its bytes
 * unless they are huge. One huge page is as much memory as a small NAT needs in all, so only blocks
 * ask for them that are many times larger.
 */
enum { WORTH_HUGE_PAGES = 8 * 1024 * 1024 };

/* The kernel may say no: then the pages are small, and that is all. */
static void *advise(void *block, size_t size)
{
	if (size >= WORTH_HUGE_PAGES)
		madvise(block, size, MADV_HUGEPAGE);
	return block;
}

void *block_open(size_t size)
{
	void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return block == MAP_FAILED ? NULL : advise(block, size);
}

void *block_grow(void *block, size_t before, size_t size)
{
	void *grown = mremap(block, before, size, MREMAP_MAYMOVE);

	return grown == MAP_FAILED ? NULL : advise(grown, size);
}

void block_close(void *block, size_t size)
{
	if (block != NULL)
		munmap(block, size);
}
