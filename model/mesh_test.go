package model

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
)

// devices opens XLA with so many CPU devices, or skips.
func devices(t *testing.T, n int) Backend {
	t.Helper()
	if backends(t)["xla"] == nil {
		t.Skip("several devices are tested on XLA alone; the Go backend has one")
	}
	b, err := OpenBackend(fmt.Sprintf("xla:cpu,devices=%d", n))
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
		set            func(*Net) *Net
	}{
		{"f32", 2, 1, func(n *Net) *Net { return n }},
		{"micro-batches", 4, 4, func(n *Net) *Net { return n }}, // of 2 rows, which 4 devices do not divide
		{"bf16", 2, 2, func(n *Net) *Net { n.ToBF16(); return n }},
		{"adapter", 4, 2, func(n *Net) *Net {
			a, err := n.WithLoRA(LoRA{Rank: 2})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}},
	} {
		t.Run(fmt.Sprintf("%s on %d", c.name, c.devices), func(t *testing.T) {
			one, several := devices(t, 1), devices(t, c.devices)
			train := func(b Backend) (*Learner, []Stat) {
				l := NewLearner(c.set(smallLM(t, b).Net), nextToken, AdamW{WeightDecay: 0.1})
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
			for i, s := range l1.Net.specs {
				x, y := device.Values(l1.Net.weights[i]), device.Values(l2.Net.weights[i])
				for k := range x {
					d := math.Abs(float64(x[k] - y[k]))
					if l1.Net.Config.half(s) {
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
					if !slices.Equal(device.Values(w), device.Values(l2.Net.weights[i])) {
						t.Fatalf("device %d has another %s", d+1, l2.Net.specs[i].name)
					}
				}
			}
			l1.Close()
			l2.Close()
		})
	}
}

// Weights that were replaced between steps, and a state that was loaded, reach all devices.
func TestDevicesFollow(t *testing.T) {
	b := devices(t, 2)
	lm := smallLM(t, b)
	l := NewLearner(lm.Net, nextToken, AdamW{})
	trainSmall(t, l, 1, 2)
	if err := lm.CopyToken("3", "5"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() + "/checkpoint"
	if err := lm.Net.SaveWith(dir, l.SaveState); err != nil {
		t.Fatal(err)
	}
	want := trainSmall(t, l, 2, 2)
	net, err := OpenNet(b, dir)
	if err != nil {
		t.Fatal(err)
	}
	resumed := NewLearner(net, nextToken, AdamW{})
	if err := resumed.LoadState(dir); err != nil {
		t.Fatal(err)
	}
	if got := trainSmall(t, resumed, 2, 2); got.Loss != want.Loss || got.Norm != want.Norm {
		t.Errorf("%+v, want %+v", got, want)
	}
	stat, err := resumed.Step([][]*Tensor{{backend.Ints(make([]int32, 32), 2, 16), backend.Floats([]float32{0}, 1)}}, 1e-3)
	if err != nil || !stat.Diverged || resumed.Steps() != 3 || resumed.Skipped() != 1 {
		t.Errorf("%+v, %v", stat, err)
	}
}

func TestDevicesOption(t *testing.T) {
	if backends(t)["xla"] == nil {
		t.Skip("XLA alone has the option")
	}
	for _, config := range []string{"xla:cpu,devices=0", "xla:devices=x", "xla:cpu,devices=-1,devices=2"} {
		if _, err := OpenBackend(config); err == nil || !strings.Contains(err.Error(), "want a positive number") {
			t.Errorf("%s: error %v", config, err)
		}
	}
	b, err := OpenBackend("xla:cpu")
	if err != nil || b.NumDevices() != 1 {
		t.Errorf("%v, %v", b, err)
	}
}
