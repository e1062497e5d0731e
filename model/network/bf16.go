package network

import (
	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
)

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
		if n.Config.BF16Stored(s) {
			old := n.weights[i]
			n.weights[i] = n.upload(device.Values(old), s)
			if i >= n.shared {
				device.Free([]*backend.Tensor{old})
			}
		}
	}
	n.shared = 0 // all that it shared was replaced
}
