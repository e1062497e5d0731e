// Package network holds a decoder with its weights on a backend.
//
//   - a [Net] is a decoder with weights; [New] draws fresh ones, [Load] takes given ones;
//   - [Net.Clone], [Net.WithHeads], [Net.WithLoRA] and [Net.Merge] make a network from another one;
//   - [Net.TokenLogProbs] and [Net.Scores] run it over rows of tokens.
//
// A network reads no files (packages hf and gguf/convert do), has no tokenizer (package model
// does), and does not learn by itself (package train does).
//
// Its weights are replaced and never changed in place, so a clone or an adapter can be made of a
// network while others use it. They must not be used while the network is trained.
package network
