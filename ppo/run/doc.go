// Package run trains by PPO in a directory, so that training survives whatever ends the
// program: a crash, a full disk, a loss of power. A program that is started again with the
// same directory ends with the same weights and the same figures, byte for byte, as one
// that was never stopped.
//
// A [Run] begins in an empty directory and continues in one that has a checkpoint:
//
//	r := run.Run{Dir: dir, Trainer: ppo.Trainer{Policy: policy, Rubric: rubric, Config: config}}
//	for step, err := range r.Train(ctx, starts) {
//		...
//	}
//
// Its directory holds a file that locks it, and the newest checkpoints:
//
//	checkpoints/00000012/manifest.json   sizes and hashes of the files below
//	checkpoints/00000012/state.json      iterations, β, settings, positions of starts and log
//	checkpoints/00000012/actor/          what the policy's method Save wrote
//	checkpoints/00000012/NAME.json       the value Attach[NAME]
//
// Train on a directory where all iterations are made yields nothing, and the policy has the
// last weights.
//
// Starts that a [rae.Mixer] gives are attached, so that the mixture continues where it
// stopped. Buffer and Mixer are made as for a new run, and Train reads both from the
// checkpoint before it takes a start:
//
//	mixer := rae.NewMixer(buffer, rae.Shares{}, seed)
//	r.Attach = map[string]any{"mixer": mixer}
//	for step, err := range r.Train(ctx, mixer.Starts(ppo.Cycle(problems, seed))) {
//		...
//	}
//
// A rollout log keeps every attempt, see [Record]; [Replay] computes updates from it again.
package run
