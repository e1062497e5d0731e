package model

import "github.com/satori-go/satori/model/internal/device"

// ToBF16 stores the weights as bfloat16 from now on, each rounded to the nearest: half the
// memory, here and in the files that Save writes. Arithmetic stays f32, log-softmax
// included. A [Learner] made afterwards keeps f32 masters, so that small updates are not
// lost; an adapter stays f32. Of weights read from a bf16 file nothing is lost.
func (n *Net) ToBF16() {
	if n.Config.BF16 {
		return
	}
	n.Config.BF16 = true
	for i, s := range n.specs {
		if n.Config.half(s) {
			old := n.weights[i]
			n.weights[i] = n.upload(device.Values(old), s)
			if i >= n.shared {
				device.Free([]*Tensor{old})
			}
		}
	}
	n.shared = 0 // all that it shared was replaced
}

// half tells whether a tensor is stored as bfloat16.
func (c Config) half(s spec) bool { return c.BF16 && !s.adapter() }

// inF32 is half of files that are f32 whatever the network is.
func inF32(spec) bool { return false }

// bytes is how many a stored tensor has.
func (c Config) bytes(s spec) int64 {
	if c.half(s) {
		return 2 * int64(s.size())
	}
	return 4 * int64(s.size())
}
