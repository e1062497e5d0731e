package network

import (
	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
)

// ToBF16 stores the weights as bfloat16, each rounded to the nearest: half the memory, on the
// device and in saved files. Graphs compute in float32 all the same. A learner made afterwards
// keeps float32 master weights, so that small updates are not lost. An adapter stays float32.
// Weights read from a bfloat16 file lose nothing. It panics if the device is out of memory.
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
