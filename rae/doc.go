// Package rae makes the restart states of Satori's "restart and explore" (arXiv
// 2502.02508, section 4.2 and algorithm 1). A restart takes a finished attempt, goes
// back a few steps and asks for a reflection there:
//
//	z = x + steps[1 .. L−t] + <|reflect|>,  t uniform in {0, ..., T}
//
// From states that were cut from right attempts (D+) the policy has to keep what is
// right; from those cut from wrong ones (D−) it has to find what is wrong. With t = 0
// the state holds the whole solution, answer included: a second attempt.
//
//   - [Cut] makes one state from one attempt;
//   - a [Buffer] holds D+ and D−; [Build] fills it as algorithm 1 does, from a few
//     attempts of the format-tuned policy at each problem;
//   - [Buffer.Mix] turns a stream of starts into one with restarts, so that the trainer
//     that reads it needs to know nothing of them; a [Mixer] is such a mixture whose
//     position can be kept in a checkpoint.
//
// The paper samples 8 attempts a problem, once and before training, keeps the
// problems with at least one right and one wrong attempt, and picks one of each at
// random; so does Build. D+ and D− are then of one size, and with the problems
// themselves the initial states are 1:1:1. A caller who wants a buffer that follows
// the policy can [Buffer.Add] to one while training, with a bound on the states of each
// side and on their age. The paper found that worse (appendix E.4), since most of its
// states soon are right ones.
//
// The paper leaves some things open. Here they are as follows:
//
//   - The law of t: uniform, drawn for each attempt. Where an attempt has no more
//     than t steps, its first step stays.
//   - The attempts that can be cut: truncated attempts, attempts that are no trace or
//     end in an empty step, and states that Config.Fits refuses are left out and counted.
//     The authors' code shortens a long state from the right, so that it loses its last
//     steps and its <|reflect|>.
//   - The order: Mix shuffles D+ and D− each and interleaves them with the fresh
//     starts in short shuffled rounds, so that every stretch of the stream keeps the
//     shares. The paper shuffles the union.
//
// The tokenizer of the policy has to know the tokens of the actions. A pretrained model
// learns them by lm.AddSpecial(actions.Tokens()...), before its critic is made and before
// format tuning.
//
// A state ends in <|reflect|>, or in another action of the problem's set, which
// Config.Action names.
package rae
