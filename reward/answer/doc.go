// Package answer finds the final answer in what a model wrote and tells whether it is
// the right one, in a way that a policy trained against it cannot fool.
//
// [Extract] looks where answers are announced and guesses nothing: the last box or
// group of boxes, else what follows the last ####, else what follows "the answer is".
// [Equal] compares it with a gold answer. A prompt whose answers are judged many
// times compiles its gold answer once:
//
//	gold, err := answer.CompileGold(`\frac{1}{2}`) // once a problem
//	verdict := gold.Equal("0.5")                   // for each attempt, from any goroutine
//
// The gold answer is trusted and the prediction is not. Whatever cannot be read to
// its last token, is not defined or costs too much is unequal; a verdict says which.
// Nothing is run, matched against a pattern or timed: text is cut into tokens, parsed
// by recursive descent within limits of bytes, depth and nodes, and compared within a
// budget of steps, so that the same answer gets the same verdict on any machine under
// any load.
//
// # How values are compared
//
//  1. Integers and rational numbers exactly. A decimal of six significant digits or
//     more also equals an exact value that rounds or truncates to it.
//  2. Rational functions modulo a random prime at random points, both drawn when the
//     process starts: an expression cannot be made to agree only there.
//  3. Everything else with complex numbers of at least 384 bits that carry a bound of
//     their error. Two values are unequal if their difference is certain, and equal
//     if it is not and no term of either is so small that it could have been lost;
//     otherwise more precision is tried, up to a limit.
//
// Lists and sets are compared without order, tuples in order, intervals and unions by
// their ends, equations and inequalities up to a constant factor, matrices cell by
// cell, and words as words.
//
// # What is left out
//
// Integrals, derivatives, limits, solving, conversion of units, numbers in words,
// decimal commas and any tolerance for integers. A gold answer that needs one of them
// is refused by [CheckGold] when data is read, not scored as zero later.
package answer
