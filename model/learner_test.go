package model

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/hf"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/train"
)

// nextToken is the loss of the tests: mean cross entropy of the tokens under a mask, with its count
// as a scalar of the batch.
var nextToken = train.Loss{Build: func(d decoder.Decoder, in []*Node) train.Terms {
	logp, _ := d.LogProbs(d.Hidden(in[0]), in[0], nil)
	loss := Div(Neg(ReduceAllSum(Mul(logp, in[1]))), in[2])
	return train.Terms{Loss: loss, Stats: Reshape(loss, 1)}
}, Key: "next token"}

// batchOf is a batch for nextToken of rows, in micro-batches of so many.
func batchOf(rows [][]int32, micro int) train.Batch {
	b := train.Batch{MicroBatch: micro}
	count := 0
	for _, ids := range rows {
		count += len(ids) - 1
		b.Rows = append(b.Rows, train.Row{IDs: ids, Columns: [][]float32{slices.Repeat([]float32{1}, len(ids)-1)}})
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

// A run that is saved and loaded half-way ends with the same bytes.
func TestLearnerResumes(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	whole := NewLearner(smallLM(t, b).Net, nextToken, AdamW{WeightDecay: 0.1})
	trainSmall(t, whole, 3, 2)
	trainSmall(t, whole, 3, 2)

	half := NewLearner(smallLM(t, b).Net, nextToken, AdamW{WeightDecay: 0.1})
	trainSmall(t, half, 3, 2)
	dir := t.TempDir() + "/checkpoint"
	require.NoError(t, hf.SaveNet(half.Net, dir, SaveLearner(half)))
	net, err := OpenNet(b, dir)
	require.NoError(t, err)
	resumed := NewLearner(net, nextToken, AdamW{WeightDecay: 0.1})
	require.NoError(t, OpenLearner(resumed, dir))
	trainSmall(t, resumed, 3, 2)
	for i, s := range whole.Net.Specs() {
		if !slices.Equal(device.Values(whole.Net.Weights()[i]), device.Values(resumed.Net.Weights()[i])) {
			t.Errorf("%s differs after resuming", s.Name)
		}
	}
}

// A bfloat16 network is half as long in its file, opens with the same numbers, and samples with
// the log-probabilities that it scores with; its learner goes on with the masters.
func TestBF16Files(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b Backend) {
		half := smallLM(t, b).Net
		half.ToBF16()
		two := NewLearner(half, nextToken, AdamW{WeightDecay: 0.1})
		trainSmall(t, two, 3, 2)
		// Saved, the file is half as long and opens with the same numbers; the state has the masters.
		dir := filepath.Join(t.TempDir(), "m")
		require.NoError(t, hf.SaveNet(half, dir, SaveLearner(two)))
		again, err := OpenNet(b, dir)
		require.NoError(t, err)
		for i, s := range half.Specs() {
			if x, _ := again.Tensor(s.Name); !slices.Equal(x, device.Values(half.Weights()[i])) {
				t.Errorf("%s differs", s.Name)
			}
		}
		again.ToBF16()
		resumed := NewLearner(again, nextToken, AdamW{WeightDecay: 0.1})
		require.NoError(t, OpenLearner(resumed, dir))
		want, got := trainSmall(t, two, 2, 2), trainSmall(t, resumed, 2, 2)
		if want.Loss != got.Loss || want.GradNorm != got.GradNorm {
			t.Errorf("resumed %+v, want %+v", got, want)
		}
		lm := &LM{Net: half}
		done, err := lm.Sample(context.Background(), Request{Prompt: []int32{3, 4}, MaxTokens: 6, Temperature: 1})
		require.NoError(t, err)
		row := append([]int32{3, 4}, done[0].Tokens...)
		logp, err := logProbs(context.Background(), half, [][]int32{row})
		require.NoError(t, err)
		for k, x := range done[0].LogProbs {
			if math.Abs(float64(x-logp[0][k+1])) > 1e-5 {
				t.Errorf("token %d: log-probability %g, scored %g", k, x, logp[0][k+1])
			}
		}
	})
}

// Actor and critic share a trunk, and one learner trains both.
func TestScalarHeads(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b Backend) {
		plain := smallLM(t, b)
		lm, err := plain.WithHeads(3, decoder.HeadLM, "value")
		require.NoError(t, err)
		lm, err = lm.WithHeads(4, decoder.HeadLM, "value", "reward")
		require.NoError(t, err)
		rows := [][]int32{{5, 9, 3, 8, 7}}
		one, _ := plain.LogProbs(context.Background(), rows)
		if two, err := lm.LogProbs(context.Background(), rows); err != nil || !slices.Equal(one[0], two[0]) {
			t.Errorf("heads change the language model: %v", err)
		}
		// The language model learns to predict, the value to be 2 after every token.
		l := NewLearner(lm.Net, train.Loss{Build: func(d decoder.Decoder, in []*Node) train.Terms {
			hidden := d.Hidden(in[0])
			logp, _ := d.LogProbs(hidden, in[0], nil)
			value := d.Head("value", hidden)
			policy := Div(Neg(ReduceAllSum(logp)), in[2])
			critic := Div(ReduceAllSum(Square(AddScalar(value, -2.0))), in[2])
			return train.Terms{Loss: Add(policy, critic), Stats: Stack([]*Node{policy, critic}, 0)}
		}}, AdamW{})
		rewards, _ := lm.Tensor(lm.Config.HeadTensor("reward"))
		first := trainSmall(t, l, 1, 2)
		last := trainSmall(t, l, 60, 2)
		if last.Stats[0] > first.Stats[0]/2 || last.Stats[1] > first.Stats[1]/10 {
			t.Errorf("losses went from %v to %v", first.Stats, last.Stats)
		}
		if after, _ := lm.Tensor(lm.Config.HeadTensor("reward")); !slices.Equal(rewards, after) {
			t.Error("the head that is not in the loss has changed")
		}
		values, err := lm.Scores(context.Background(), "value", rows)
		if err != nil || math.Abs(float64(values[0][4])-2) > 0.7 {
			t.Errorf("values %v, %v", values, err)
		}
		dir := filepath.Join(t.TempDir(), "m")
		require.NoError(t, lm.Save(dir))
		again, err := Open(b, dir)
		require.NoError(t, err)
		if two, err := again.Scores(context.Background(), "value", rows); err != nil || !slices.Equal(values[0], two[0]) {
			t.Errorf("saved: %v, %v", two, err)
		}
		bare, err := again.WithHeads(0, decoder.HeadLM)
		require.NoError(t, err)
		one, _ = again.LogProbs(context.Background(), rows)
		if two, err := bare.LogProbs(context.Background(), rows); err != nil || !slices.Equal(one[0], two[0]) || bare.Config.HasHead("value") || len(again.Config.HeadNames()) != 3 {
			t.Errorf("without heads: %v, %q and %q", err, bare.Config.HeadNames(), again.Config.HeadNames())
		}
		for _, names := range [][]string{{"lm", "value", "value"}, {"lm", ""}, {"lm", "a.b"}, {"value"}, {}} {
			if _, err := plain.WithHeads(1, names...); err == nil {
				t.Errorf("heads %q: no error", names)
			}
		}
		if _, err := plain.Scores(context.Background(), "value", rows); err == nil || !strings.Contains(err.Error(), `has no head "value"`) {
			t.Errorf("error %v", err)
		}
		if done, err := again.Sample(context.Background(), Request{Prompt: rows[0], MaxTokens: 3}); err != nil || len(done[0].Tokens) == 0 {
			t.Errorf("%v, %v", done, err)
		}
	})
}

// devices opens XLA with so many CPU devices, or skips.
func devices(t *testing.T, n int) Backend {
	t.Helper()
	if modeltest.Backends(t)["xla"] == nil {
		t.Skip("several devices are tested on XLA alone; the Go backend has one")
	}
	b, err := OpenBackend(fmt.Sprintf("xla:cpu,devices=%d", n))
	require.NoError(t, err)
	if got := int(b.NumDevices()); got != n {
		t.Fatalf("%d devices, want %d", got, n)
	}
	return b
}

// Weights that were replaced between steps, and a state that was loaded, reach all devices.
func TestDevicesFollow(t *testing.T) {
	b := devices(t, 2)
	lm := smallLM(t, b)
	l := NewLearner(lm.Net, nextToken, AdamW{})
	trainSmall(t, l, 1, 2)
	require.NoError(t, lm.CopyToken("3", "5"))
	dir := t.TempDir() + "/checkpoint"
	require.NoError(t, hf.SaveNet(lm.Net, dir, SaveLearner(l)))
	want := trainSmall(t, l, 2, 2)
	net, err := OpenNet(b, dir)
	require.NoError(t, err)
	resumed := NewLearner(net, nextToken, AdamW{})
	require.NoError(t, OpenLearner(resumed, dir))
	if got := trainSmall(t, resumed, 2, 2); got.Loss != want.Loss || got.GradNorm != want.GradNorm {
		t.Errorf("%+v, want %+v", got, want)
	}
	stat, err := resumed.Step(train.Batch{Rows: []train.Row{{IDs: make([]int32, 16), Columns: [][]float32{{1}}}}, Scalars: []float32{0}}, 1e-3)
	if err != nil || !stat.Diverged || resumed.Steps() != 3 || resumed.Skipped() != 1 {
		t.Errorf("%+v, %v", stat, err)
	}
}

func TestDevicesOption(t *testing.T) {
	if modeltest.Backends(t)["xla"] == nil {
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
