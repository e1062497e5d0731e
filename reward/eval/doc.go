// Package eval computes figures of attempts that were judged: what a reward says without
// an update. The caller samples, counts tokens and judges with [reward.Judge].
//
//   - a [Summary] has accuracy and length, by level too, and the form of the traces;
//     [Summarize] makes it;
//   - [PassAt], [Majority] and [BestOfN] compute pass@k, maj@n and best-of-n; [Answers]
//     makes votes of mathematical answers, which can be written in many ways;
//   - a [Correction] is a row of the paper's table 4: how often a second attempt made
//     a wrong answer right (F→T), and a right one wrong (T→F). [SelfCorrection] finds
//     second attempts that the policy made by itself, [SecondAttempt] judges those that a
//     restart asked for.
//
// Every share has its 95 % Wilson interval; the paper (arXiv 2502.02508) has none.
// The interval takes the attempts to be independent, so it is too narrow where there
// are several attempts at one problem.
//
// The paper says of table 4 that responses count whose answer before a self-
// reflection differs from the one after, and reports F→T / (F→T + T→F). It does not
// say which reflection counts where there are several, nor does it give the counts. The
// rule used here is documented at [SelfCorrection], and a row has all four counts.
package eval
