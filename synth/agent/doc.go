// Package agent makes the agents of package synth out of chat models.
//
//   - a [Model] answers one chat turn; package openai has the one of a server, a
//     program may wrap a model of its own or anything else that takes text;
//   - [Generator] makes the agent that writes and continues solutions;
//   - [Critic] makes the agent that names the first wrong step and hints, or says why all
//     steps are right;
//   - [ReferenceSolution] makes a critic that asks no model, for word problems with a
//     written solution;
//   - [Judge] makes a selector that gives demonstrations a mark;
//   - a [Meter] counts what was used and ends a run at its budget;
//   - a [Prompt] is two templates; [Prompts] replace those of an agent.
//
// The prompts have the structure of the paper's prompts (section D.1.1) in our own
// words. [Steps] splits the reply of a model into steps. The words that open a reflection or
// an exploration, which the paper's critic does not write and its examples have, are
// drawn from [Openers].
//
// # Where this differs from the paper
//
// The critic is given [coat.Problem].Solution as the right solution if the data has one,
// else the bare answer. The paper does not say how solutions are split into steps; here
// that is at blank lines, or at lines if there are none. Models that are too small to
// end a solution as they are asked to have [Config].Stop and [StopAtAnswer]. The selector of
// the paper is a reward model; a [Judge] is for those who have none.
package agent
