// Package coat defines the values that every other package of this library works with:
// the Chain-of-Action-Thought format of Satori (arXiv 2502.02508, section 4) and
// the plain values that flow through a training pipeline.
//
// A language model that reasons in COAT writes a [Trace]: a sequence of steps,
// each opened by the token of a meta-action. An [Action] names what the step does:
//
//	<|continue|>  the next step on the current path
//	<|reflect|>   stop and check the steps so far
//	<|explore|>   a flaw was found: start another way
//
// The first step of a solution has no token, so the tokens are at once labels and
// delimiters. Plain chain of thought is the case in which only <|continue|> occurs;
// [Trace.CoT] makes a trace into that. [Actions] is a set of meta-actions: a program that
// reasons with others gives its problems such a set, and everything made of them is
// written and read with it.
//
// The values, in the order in which a pipeline makes them:
//
//   - a [Problem] has a question and a reference answer;
//   - a [Demo] is a trace worth imitating;
//   - a [Start] is a state to reason from: a problem and, for a restart, the steps
//     already taken;
//   - an [Attempt] is the response of a policy to a start;
//   - a [Judged] is an attempt that was checked, with its outcome.
//
// Problems and demonstrations are read from JSON Lines; an error names the file,
// the line and the field. The package imports the standard library alone.
package coat
