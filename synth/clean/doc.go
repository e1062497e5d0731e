// Package clean examines problems before anything is paid for them. It finds problems that
// cannot be used, that occur twice, or that would give a test set away.
//
// [Problems] yields each problem with a reason to drop it, or none; a [Report] counts the
// reasons. Of several that are alike the first is kept. Memory grows by some hundred bytes
// and four more a word with every problem that is kept, and with the words of the test
// sets.
//
// # What counts as alike
//
// Texts are compared as words in lower case: runs of letters, runs of digits, and
// mathematical signs one by one; punctuation, $ and \ are skipped.
//
//   - Near duplicates have the same numbers in the same order and share at least 70 %
//     of their 5-word shingles (Jaccard). Candidates are found by MinHash, as in the
//     tools that the paper used (Kocetkov et al.), and then compared shingle by shingle,
//     so nothing is dropped by a MinHash alone. That the numbers must be the same is ours:
//     "Tom has 3 apples" and "Tom has 4 apples" are two problems.
//   - A problem overlaps a test set if a run of 10 words (n-gram, [Config.N]) is in a
//     question of both, or all of a shorter question. The choice of n is that of
//     DeepSeekMath (arXiv 2402.03300, section 2.1).
package clean
