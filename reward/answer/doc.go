// Package answer finds the final answer in the output of a model and compares it with a
// reference answer. A policy that is trained against it cannot fool it.
//
// [Extract] finds the answer where the output announces it: in the last box or group of
// boxes, else after the last ####, else after the last "the answer is". It never guesses.
// [Equal] compares the answer with a reference answer. A program that judges many attempts
// at one problem parses the reference answer once:
//
//	gold, err := answer.CompileGold(`\frac{1}{2}`) // once a problem
//	verdict := gold.Equal("0.5")                   // for each attempt, from any goroutine
//
// The reference answer is trusted and the prediction is not. A prediction is unequal if it
// cannot be parsed to its last token, is undefined or takes too many steps; the [Verdict]
// says which. No part of an answer is executed, and no clock or regular expression decides:
// text is cut into tokens, parsed by recursive descent within limits of bytes, depth and
// nodes, and compared within a budget of steps. The same answer gets the same verdict on
// every machine, however busy it is.
//
// # How values are compared
//
//  1. Integers and rational numbers are compared exactly. A decimal with six significant
//     digits or more also equals an exact value that rounds or truncates to it.
//  2. Rational functions are compared modulo a random prime at random points. Both are
//     drawn when the process starts, so nobody can write an expression that is equal only
//     there.
//  3. Everything else is computed with complex numbers of at least 384 bits that carry a
//     bound of their error. Two values are unequal if their difference is certain. They are
//     equal if their difference is not certain and no term of either is so small that it may
//     have been lost. Otherwise the precision is raised, up to a limit.
//
// Lists and sets are compared without order, tuples in order, intervals and unions by
// their ends, equations and inequalities up to a constant factor, matrices cell by cell,
// and words as words.
//
// # What is left out
//
// Integrals, derivatives, limits, solving, conversion of units, numbers in words, decimal
// commas, and any tolerance for integers. [CheckGold] refuses a reference answer that needs
// one of them when data is read, so that it is not scored as zero later.
package answer
