package train

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/network"
)

// devices opens XLA with so many CPU devices, or skips.
func devices(t *testing.T, n int) backend.Backend {
	t.Helper()
	if modeltest.Backends(t)["xla"] == nil {
		t.Skip("several devices are tested on XLA alone; the Go backend has one")
	}
	b, err := backend.Open(fmt.Sprintf("xla:cpu,devices=%d", n))
	require.NoError(t, err)
	if got := int(b.NumDevices()); got != n {
		t.Fatalf("%d devices, want %d", got, n)
	}
	return b
}

// bf16Rounding bounds how far loss and gradient of two networks may lie apart, as a share of them,
// because of weights that were rounded differently. It is 0 where no weight was, and so for
// float32.
//
// Sums over several devices differ from those over one by the last place of float32, and so do
// the master weights. bfloat16 has 8 bits of significand, so one of its places is up to 2⁻⁷ and
// rounding moves a number by up to half of that: a master weight near the middle between two
// places is rounded down on one side and up on the other, and then differs by 2⁻⁷ of itself. How
// many master weights lie so near depends on the processor's kernels. A loss is a product of the
// matrices on a path, here of depth = 2 layers of 7 and the embedding twice. Were all weights off
// by 2⁻⁷ in one direction, it would be off by depth·2⁻⁷; where a share of them is off, in either
// direction, errors add up as a random walk does, to depth·2⁻⁷·√share.
func bf16Rounding(a, b *network.Net) float64 {
	const depth = 2*7 + 2
	differ, all := 0, 0
	for i, s := range a.Specs() {
		if !a.Config.BF16Stored(s) {
			continue
		}
		x, y := device.Values(a.Weights()[i]), device.Values(b.Weights()[i])
		all += len(x)
		for k := range x {
			if x[k] != y[k] {
				differ++
			}
		}
	}
	if all == 0 {
		return 0
	}
	return depth / 128.0 * math.Sqrt(float64(differ)/float64(all))
}

// On several devices training comes to the numbers of one, whatever the micro-batches, for
// plain weights, for bfloat16 with masters, and for an adapter.
func TestDevices(t *testing.T) {
	for _, c := range []struct {
		name           string
		devices, split int
		set            func(*network.Net) *network.Net
	}{
		{"f32", 2, 1, func(n *network.Net) *network.Net { return n }},
		{"micro-batches", 4, 4, func(n *network.Net) *network.Net { return n }}, // of 2 rows, which 4 devices do not divide
		{"bf16", 2, 2, func(n *network.Net) *network.Net { n.ToBF16(); return n }},
		{"adapter", 4, 2, func(n *network.Net) *network.Net {
			a, err := n.WithLoRA(decoder.LoRA{Rank: 2})
			require.NoError(t, err)
			return a
		}},
	} {
		t.Run(fmt.Sprintf("%s on %d", c.name, c.devices), func(t *testing.T) {
			one, several := devices(t, 1), devices(t, c.devices)
			l1 := NewLearner(c.set(smallNet(t, one)), nextToken, AdamW{WeightDecay: 0.1})
			l2 := NewLearner(c.set(smallNet(t, several)), nextToken, AdamW{WeightDecay: 0.1})
			if l1.mesh != nil || l2.mesh == nil {
				t.Fatal("meshes of the wrong backend")
			}
			for i := range 4 {
				rounding := bf16Rounding(l1.Net, l2.Net)
				want, got := trainSmall(t, l1, 1, c.split), trainSmall(t, l2, 1, c.split)
				if math.Abs(got.Loss-want.Loss) > 1e-5+rounding*want.Loss || math.Abs(got.GradNorm-want.GradNorm) > (1e-5+rounding)*want.GradNorm {
					t.Errorf("step %d: %+v, want %+v within %g", i, got, want, rounding)
				}
			}
			worst := 0.0
			for i, s := range l1.Net.Specs() {
				x, y := device.Values(l1.Net.Weights()[i]), device.Values(l2.Net.Weights()[i])
				for k := range x {
					d := math.Abs(float64(x[k] - y[k]))
					if l1.Net.Config.BF16Stored(s) {
						d = max(0, d-math.Abs(float64(x[k]))/128) // one place of bfloat16
					}
					worst = max(worst, d)
				}
			}
			t.Logf("largest difference of a weight %.1e", worst)
			if worst > 1e-5 {
				t.Errorf("weights differ by %g", worst)
			}
			for d, r := range l2.mesh.others {
				for i, w := range r.weights {
					if !slices.Equal(device.Values(w), device.Values(l2.Net.Weights()[i])) {
						t.Fatalf("device %d has another %s", d+1, l2.Net.Specs()[i].Name)
					}
				}
			}
			l1.Close()
			l2.Close()
		})
	}
}
