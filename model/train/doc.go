// Package train improves the weights of a network by gradients.
//
//   - a [Learner] makes steps of AdamW against a [Loss]: [Learner.Step] takes a [Batch] and a
//     learning rate;
//   - a [Batch] holds rows of tokens with the numbers that the loss reads; the learner lays it out
//     in micro-batches, and [Stat] has the statistics of each row in the order of the batch;
//   - a [Schedule] says how the learning rate changes over a run;
//   - [Rates] gives groups of parameters rates of their own, and [Learner.Prepare] computes an
//     [Update] that is applied later or not at all.
//
// It knows no files, no text and no sampling: [Learner.StateSpecs] and [Learner.SetState] carry
// what a run needs to continue, and package model writes it.
//
// A step that fails, or whose gradient is not finite, leaves the weights as they were.
package train
