package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/network"
)

// The update is torch.optim.AdamW's after clip_grad_norm_ (testdata/adamw/README.md).
func TestAdamWGolden(t *testing.T) {
	var golden struct {
		Cases []struct {
			LR, Beta1, Beta2, Eps, Weight_decay, Max_norm float64
			Shapes                                        [][]int
			Init                                          []any
			Grads                                         [][]any
			Grad_norms                                    []float64
			Params_f64                                    [][]any
		}
	}
	modeltest.ReadJSON(t, "../testdata/adamw/golden.json", &golden)
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		for _, c := range golden.Cases {
			var trained []trainable
			for _, shape := range c.Shapes {
				if len(shape) == 1 {
					shape = []int{1, shape[0]} // torch decays vectors too; here they are norms
				}
				trained = append(trained, trainable{Spec: decoder.Spec{Name: "w", Dims: shape}})
			}
			load := func(v []any, scale float32) (list []*backend.Tensor) {
				for i, s := range trained {
					data := flatten(v[i])
					for k := range data {
						data[k] *= scale
					}
					list = append(list, backend.Floats(data, s.Dims...))
				}
				return list
			}
			maxNorm := c.Max_norm
			if maxNorm == 0 {
				maxNorm = 1e30
			}
			l := &Learner{groups: 1, adam: AdamW{Beta1: c.Beta1, Beta2: c.Beta2, Eps: c.Eps, WeightDecay: c.Weight_decay, MaxNorm: maxNorm}}
			update := device.New(b, "AdamW", func(in []*Node) []*Node { return l.adam.update(trained, in) })
			n := len(trained)
			state := slices.Concat(load(c.Init, 1), load(c.Init, 0), load(c.Init, 0)) // weights, m, v
			for step, grads := range c.Grads {
				// The gradient comes in two halves, as those of two workers do.
				scalars := l.scalars(Rates{Network: c.LR})
				out, err := update.Call([]*backend.Tensor{scalars}, state, load(grads, 0.75), load(grads, 0.25))
				require.NoError(t, err)
				l.steps[0]++
				norm := float64(device.Take[float32](out[0])[0])
				state = out[1:]
				if len(c.Grad_norms) == 0 { // the case without clipping
				} else if d := math.Abs(norm - c.Grad_norms[step]); d > 2e-6*c.Grad_norms[step] {
					t.Errorf("step %d: norm is off by %g", step, d)
				}
				for i, w := range state[:n] {
					want := flatten(c.Params_f64[step][i])
					for k, x := range device.Values(w) {
						if d := math.Abs(float64(x-want[k]) / float64(want[k])); d > 1e-6 {
							t.Fatalf("step %d: weight %d[%d] is off by %g of it", step, i, k, d)
						}
					}
				}
			}
		}
	})
}

func flatten(v any) (out []float32) {
	switch v := v.(type) {
	case float64:
		return []float32{float32(v)}
	case []any:
		for _, x := range v {
			out = append(out, flatten(x)...)
		}
	}
	return out
}

func TestCosineGolden(t *testing.T) {
	var golden struct {
		Cases []struct {
			LR                  float64
			Steps, Warmup_steps int
			Min_lr_rate         float64
			Values              []float64
			After_last          float64
		}
	}
	modeltest.ReadJSON(t, "../testdata/schedule/golden.json", &golden)
	for _, c := range golden.Cases {
		for i, want := range append(c.Values, c.After_last) {
			if got := cosine(c.LR, i, c.Warmup_steps, c.Steps, c.Min_lr_rate); math.Abs(got-want) > 1e-9*c.LR {
				t.Errorf("step %d of %d: %g, want %g", i, c.Steps, got, want)
			}
		}
	}
}

// small is the example's kind of decoder: grouped heads, half rotary, time shift.
var small = decoder.Config{VocabSize: 23, Dim: 32, IntermediateSize: 40, Layers: 2, Heads: 4, KVHeads: 2, MaxPositions: 128,
	PartialRotary: 0.5, TokenShift: true, Tied: true, InitRange: 0.15, EOS: 1}

func smallNet(t testing.TB, b backend.Backend) *network.Net {
	t.Helper()
	n, err := network.New(b, small, 7)
	require.NoError(t, err)
	return n
}

// stateOf copies the state of a learner, for [Learner.SetState].
func stateOf(l *Learner) (values [][]float32) {
	for i := range l.StateSpecs() {
		values = append(values, l.StateTensor(i))
	}
	return values
}

// nextToken is the loss of the tests: mean cross entropy of the tokens under a mask, with its count
// as a scalar of the batch.
var nextToken = Loss{Build: func(d decoder.Decoder, in []*Node) Terms {
	logp, _ := d.LogProbs(d.Hidden(in[0]), in[0], nil)
	loss := Div(Neg(ReduceAllSum(Mul(logp, in[1]))), in[2])
	return Terms{Loss: loss, Stats: Reshape(loss, 1)}
}, Key: "next token"}

// batchOf is a batch for nextToken of rows, in micro-batches of so many.
func batchOf(rows [][]int32, micro int) Batch {
	b := Batch{MicroBatch: micro}
	count := 0
	for _, ids := range rows {
		count += len(ids) - 1
		b.Rows = append(b.Rows, Row{IDs: ids, Columns: [][]float32{slices.Repeat([]float32{1}, len(ids)-1)}})
	}
	b.Scalars = []float32{float32(count)}
	return b
}

func trainSmall(t *testing.T, l *Learner, steps, split int) Stat {
	t.Helper()
	rng := rand.New(rand.NewPCG(4, uint64(l.Steps())))
	var last Stat
	for range steps {
		var rows [][]int32
		for range 8 {
			at, row := rng.IntN(20), []int32(nil)
			for k := range 16 {
				row = append(row, int32(2+(at+3*k)%21))
			}
			rows = append(rows, row)
		}
		var err error
		last, err = l.Step(batchOf(rows, 8/split), 3e-3)
		require.NoError(t, err)
	}
	return last
}

// Micro-batches add up to the batch, and training learns a rule.
func TestMicroBatches(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		one, two := NewLearner(smallNet(t, b), nextToken, AdamW{}), NewLearner(smallNet(t, b), nextToken, AdamW{})
		first := trainSmall(t, one, 1, 1)
		other := trainSmall(t, two, 1, 2)
		if math.Abs(first.Loss-other.Loss) > 1e-5*first.Loss || math.Abs(first.GradNorm-other.GradNorm) > 1e-4*first.GradNorm {
			t.Errorf("whole batch %+v, two halves %+v", first, other)
		}
		in := batchOf([][]int32{{2, 5, 8, 11}, {3, 6, 9}}, 2)
		measured, err := two.Measure(in)
		require.NoError(t, err)
		u, prepared, err := two.Prepare(in, Rates{Network: 1})
		require.NoError(t, err)
		u.Discard()
		if math.Abs(measured.Loss-prepared.Loss) > 1e-6*measured.Loss || b.Name() == "go" && measured.Loss != prepared.Loss ||
			measured.GradNorm != 0 || two.Steps() != 1 {
			t.Errorf("measured %+v, a step would have %+v", measured, prepared)
		}
		if last := trainSmall(t, two, 60, 2); last.Loss > first.Loss/2 {
			t.Errorf("loss went from %g to %g only", first.Loss, last.Loss)
		}
	})
}

// A gradient that is not finite leaves the weights as they were.
func TestDivergedStep(t *testing.T) {
	net := smallNet(t, modeltest.Backends(t)["go"])
	l := NewLearner(net, nextToken, AdamW{})
	before, _ := net.Tensor("model.norm.weight")
	stat, err := l.Step(Batch{Rows: []Row{{IDs: make([]int32, 16), Columns: [][]float32{{1}}}}, Scalars: []float32{0}}, 1e-3)
	if err != nil || !stat.Diverged || l.Steps() != 0 || l.Skipped() != 1 {
		t.Errorf("stat %+v, error %v, steps %d, skipped %d", stat, err, l.Steps(), l.Skipped())
	}
	again := NewLearner(net, nextToken, AdamW{})
	if err := again.SetState(stateOf(l)); err != nil || again.Skipped() != 1 || again.Steps() != 0 {
		t.Errorf("loaded: %v, skipped %d, steps %d", err, again.Skipped(), again.Steps())
	}
	if after, _ := net.Tensor("model.norm.weight"); !slices.Equal(before, after) {
		t.Error("weights have changed")
	}
	if _, err := l.Step(Batch{Rows: []Row{{IDs: make([]int32, 16)}}}, 1e-3); err == nil {
		t.Error("a loss that panics gives no error")
	}
}
