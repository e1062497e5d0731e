// Package synth makes demonstrations; it trains nothing. It is the multi-agent procedure
// of Satori (arXiv 2502.02508, section 4.1, appendices C and D.1) over agents that are
// plain Go functions.
//
//   - a [Generator] writes solutions and continues them;
//   - a [Critic] says where a wrong solution goes wrong, and why a right one is right;
//   - a [Selector] ranks demonstrations of one kind (the paper's is a reward model);
//   - a [reward.Func] compares the end of a solution to the reference answer.
//
// [Demos] takes a problem through these steps. K solutions are written; a few right
// and a few wrong ones are kept. A right one is a demonstration of type I as it
// is; verified on the way and continued, it is one of type II. A wrong one is
// cut after the step that the critic names, given the critic's reflection and hint,
// and continued: type III. A continuation that ends wrong is reflected upon once
// more, after its box. Traces that end right are kept, the best of each kind:
//
//	I       s <|continue|> s ... box                                    right at once
//	II-I    ... <|reflect|> v <|continue|> ... box                      verified
//	II-II   ... <|reflect|> v ... wrong box <|reflect|> m <|explore|> h ... box
//	III-I   ... bad step <|reflect|> m <|explore|> h ... box            corrected
//	III-II  ... bad step <|reflect|> m <|explore|> h ... wrong box <|reflect|> m <|explore|> h ... box
//
// The stages after the first need no agents: [Distill] keeps the right solutions of a
// trained policy to the problems that are hardest for it, [Pairs] sets right against
// wrong attempts for the reward model, [CoT] strips demonstrations of reflection
// and exploration for the paper's baseline.
//
// # Where this differs from the paper
//
// The critic chooses the place of a verification; the paper draws a step at random,
// and so does package agent. Where a continuation is corrected its box stays, as in
// the paper, so the step that the critic names there is not used. A continuation
// without a box ends its path, and a first solution without one is dropped even where
// its answer is right in other words. A verification is the first of the m rounds; with
// m = 3 there are kinds II-III and III-III as well. Agents may reflect and explore in
// their texts, the paper's generator writes plain chain of thought; a first solution
// that does so is never taken for type I. Agents decide on the white space around
// meta-action tokens: their texts are joined as they are, and only white space at the
// end of a demonstration is dropped. Problems are not relabelled.
//
// # Packages beside it
//
// They make it a pipeline that a person can leave alone: agent (chat models as agents),
// openai (a server as a model), run (runs that can be broken off), clean (problems worth
// paying for) and dataset (files that others read).
package synth
