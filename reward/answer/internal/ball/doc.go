// Package ball computes with complex numbers that carry a bound of their error.
//
// A [Ball] is a number and its bound. An [Arena] does arithmetic at one precision and
// within a [Budget] of steps, so that a computation always ends. The package knows
// nothing of answers.
package ball
