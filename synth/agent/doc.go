// Package agent makes the agents of package synth out of chat models.
//
//   - a [Model] answers one chat turn; package openai has the one of a server, a
//     program may wrap a model of its own or anything else that takes text;
//   - a [Generator] writes solutions and goes on with them;
//   - a [Critic] names the first wrong step and hints, or says why all is right;
//   - [Worked] is a critic that asks no model, for word problems with a written solution;
//   - a [Judge] gives demonstrations a mark, for a selector;
//   - a [Meter] counts what was used and ends a run at its budget;
//   - a [Prompt] is two templates, which the [Prompts] of an agent replace.
//
// What they ask has the structure of the paper's prompts (section D.1.1) in our own
// words. A model's reply becomes steps by [Steps]. Texts that open a reflection or an
// exploration, which the paper's critic does not write and its examples have, are
// drawn from [Leads].
//
// # Where this differs from the paper
//
// The right solution that the critic is given is [coat.Problem.Solution] where the
// data has one, else the bare answer. The paper does not say how solutions are split
// into steps; here it is at blank lines, or at lines where there are none. Models that
// are too small to end a solution as they are told to have [Config].Stop and [AtAnswer].
// The selector of the paper is a reward model; a [Judge] is for those who have none.
package agent
