package actor

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/backend"
)

// golden is testdata/golden.json, made with PyTorch by TRL's formulas (testdata/README.md).
type golden struct {
	Gamma, Lam, Clip float64
	ValueClip        float64 `json:"value_clip"`
	KLCoef           float64 `json:"kl_coef"`
	Batch, Seq       int
	Vocab            int
	Input            struct {
		Lengths  []int
		Actions  [][]int32
		Logits   [][][]float64
		OldLogp  [][]float64 `json:"old_logp"`
		RefLogp  [][]float64 `json:"ref_logp"`
		Value    [][]float64
		OldValue [][]float64 `json:"old_value"`
		Score    []float64
	}
	Output struct {
		Rewards, Advantages, Returns [][]float64
		Whitened                     [][]float64 `json:"whitened_advantages"`
		Logp, Ratio                  [][]float64
		PolicyLoss                   float64 `json:"policy_loss"`
		SeqMean                      float64 `json:"policy_loss_seq_mean"`
		K1, K2, K3                   float64
		ValueLoss                    float64 `json:"value_loss"`
		Entropy                      float64
		ClipFraction                 float64 `json:"clip_fraction"`
		Grad                         map[string]any
	}
}

func goldens(t *testing.T) []golden {
	data, err := os.ReadFile("../testdata/golden.json")
	require.NoError(t, err)
	var file struct{ Cases []golden }
	require.NoError(t, json.Unmarshal(data, &file))
	return file.Cases
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s: %.12g, want %.12g", what, got, want)
	}
}

// The losses and their gradients, on both backends where both are there.
func TestLossGolden(t *testing.T) {
	for _, name := range []string{"go", "xla"} {
		if name == "xla" && os.Getenv("GOMLX_BACKEND") == "go" {
			continue // asked for the one alone; the XLA plugin does not bear the race detector
		}
		b, err := model.OpenBackend(name)
		if err != nil {
			t.Logf("%s is not tested: %v", name, err)
			continue
		}
		t.Run(name, func(t *testing.T) {
			for _, c := range goldens(t) {
				testLoss(t, b, c)
			}
		})
	}
}

func testLoss(t *testing.T, b model.Backend, c golden) {
	grid := func(x [][]float64) *model.Tensor {
		var flat []float32
		for _, row := range x {
			for _, v := range row {
				flat = append(flat, float32(v))
			}
		}
		return backend.Floats(flat, c.Batch, c.Seq)
	}
	mask, count := make([][]float64, c.Batch), 0
	for i, n := range c.Input.Lengths {
		mask[i] = make([]float64, c.Seq)
		for k := range n {
			mask[i][k] = 1
		}
		count += n
	}
	// The logits stand before a token of padding: position k predicts token k+1.
	var logits []float32
	var tokens []int32
	for i, row := range c.Input.Logits {
		tokens = append(append(tokens, 0), c.Input.Actions[i]...)
		for _, v := range append(row, make([]float64, c.Vocab)) {
			for _, x := range v {
				logits = append(logits, float32(x))
			}
		}
	}
	// Shares of a mean over rows, in a sum that is divided by the number of tokens.
	bySequence := make([][]float64, c.Batch)
	for i, n := range c.Input.Lengths {
		bySequence[i] = make([]float64, c.Seq)
		for k := range n {
			bySequence[i][k] = float64(count) * SeqMeanTokenMean().Weight(c.Batch, count, n)
		}
	}
	out, err := CallOnceN(b, func(in []*Node) []*Node {
		logits, tokens, old, mask, advantage, value, oldValue, ret, ref, weight := in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7], in[8], in[9]
		count := Const(logits.Graph(), float32(count))
		all := LogSoftmax(Slice(logits, AxisRange(), AxisRange(0, c.Seq)), -1) // [batch, seq, vocab], what predicts tokens 1 and up
		logp := ReduceSum(Mul(all, OneHot(Slice(tokens, AxisRange(), AxisRange(1)), c.Vocab, all.DType())), -1)
		entropy := weightedMean(Neg(ReduceSum(Mul(Exp(all), all), -1)), mask, count)
		ratio := probabilityRatio(logp, old)
		each := PolicyLoss(ratio, advantage, c.Clip, c.Clip)
		policy := weightedMean(each, mask, count)
		critic := weightedMean(ValueLoss(value, oldValue, ret, c.ValueClip), mask, count)
		one, two, three, through := weightedMean(K1().Func(logp, ref), mask, count), weightedMean(K2().Func(logp, ref), mask, count), weightedMean(K3().Func(logp, ref), mask, count), weightedMean(K3Plus().Func(logp, ref), mask, count)
		by := func(loss, x *Node) *Node { return Gradient(loss, x)[0] }
		return []*Node{logp, ratio, policy, critic, entropy, by(policy, logp), by(critic, value),
			weightedMean(each, weight, count), weightedMean(clipFracMask(ratio, advantage, c.Clip, c.Clip), mask, count),
			one, two, three, through, by(one, logp), by(two, logp), by(three, logp), by(through, logp), by(policy, logits), by(entropy, logits)}
	}, backend.Floats(logits, c.Batch, c.Seq+1, c.Vocab), backend.Ints(tokens, c.Batch, c.Seq+1), grid(c.Input.OldLogp), grid(mask),
		grid(c.Output.Whitened), grid(c.Input.Value), grid(c.Input.OldValue), grid(c.Output.Returns), grid(c.Input.RefLogp), grid(bySequence))
	require.NoError(t, err)
	const tolerance = 1e-5
	table := func(what string, at int, want [][]float64) {
		for i, row := range out[at].Value().([][]float32) {
			for k := range c.Input.Lengths[i] {
				near(t, what, float64(row[k]), want[i][k], tolerance)
			}
		}
	}
	table("log-probability", 0, c.Output.Logp)
	table("ratio", 1, c.Output.Ratio)
	for at, want := range map[int]float64{
		2: c.Output.PolicyLoss, 3: c.Output.ValueLoss, 4: c.Output.Entropy, 7: c.Output.SeqMean, 8: c.Output.ClipFraction,
		9: c.Output.K1, 10: c.Output.K2, 11: c.Output.K3, 12: c.Output.K3,
	} {
		near(t, fmt.Sprintf("figure %d", at), float64(out[at].Value().(float32)), want, tolerance)
	}
	for at, name := range map[int]string{5: "policy_loss_by_logp", 6: "value_loss_by_value", 13: "k1_by_logp", 14: "k2_by_logp", 15: "k3_by_logp", 16: "k2_by_logp"} {
		want, ok := c.Output.Grad[name].([]any)
		if !ok {
			t.Fatalf("the golden has no gradient %s", name)
		}
		for i, row := range out[at].Value().([][]float32) {
			for k := range c.Input.Lengths[i] {
				near(t, name, float64(row[k]), want[i].([]any)[k].(float64), tolerance)
			}
		}
	}
	for at, name := range map[int]string{17: "policy_loss_by_logits", 18: "entropy_by_logits"} {
		want := c.Output.Grad[name].([]any)
		for i, row := range out[at].Value().([][][]float32) {
			for k := range c.Input.Lengths[i] {
				for v, x := range row[k] {
					near(t, name, float64(x), want[i].([]any)[k].([]any)[v].(float64), tolerance)
				}
			}
		}
	}
}
