package train

import (
	"fmt"
	"math"
	"slices"
	"testing"

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
	if err != nil {
		t.Fatal(err)
	}
	if got := int(b.NumDevices()); got != n {
		t.Fatalf("%d devices, want %d", got, n)
	}
	return b
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
			if err != nil {
				t.Fatal(err)
			}
			return a
		}},
	} {
		t.Run(fmt.Sprintf("%s on %d", c.name, c.devices), func(t *testing.T) {
			one, several := devices(t, 1), devices(t, c.devices)
			train := func(b backend.Backend) (*Learner, []Stat) {
				l := NewLearner(c.set(smallNet(t, b)), nextToken, AdamW{WeightDecay: 0.1})
				var stats []Stat
				for range 4 {
					stats = append(stats, trainSmall(t, l, 1, c.split))
				}
				return l, stats
			}
			l1, want := train(one)
			l2, got := train(several)
			if l1.mesh != nil || l2.mesh == nil {
				t.Fatal("meshes of the wrong backend")
			}
			for i := range want {
				if math.Abs(got[i].Loss-want[i].Loss) > 1e-5 || math.Abs(got[i].Norm-want[i].Norm) > 1e-5*want[i].Norm {
					t.Errorf("step %d: %+v, want %+v", i, got[i], want[i])
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
