package actor

import (
	"math"
	"reflect"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/train"
	"github.com/satori-go/satori/ppo"
)

// shared is tiny with the critic on the policy's trunk. The samples are the same; their
// values are those of the head, and a bit.
func shared(t *testing.T, c Config) (*Policy, []ppo.Sample) {
	t.Helper()
	a, samples := tiny(t, c)
	lm, err := a.LM.WithHeads(5, decoder.HeadLM, ValueHead)
	require.NoError(t, err)
	a, err = New(lm, nil, a.config)
	require.NoError(t, err)
	values(t, a, samples)
	for i, s := range samples {
		for k := range s.Tokens {
			s.Returns[k] = s.Values[k] + math.Cos(float64(i+k))
			s.Values[k] += 0.1 * math.Sin(float64(i-k))
		}
	}
	return a, samples
}

// values fills in what Estimate gives.
func values(t *testing.T, a *Policy, samples []ppo.Sample) {
	t.Helper()
	for i := range samples {
		e, err := a.Estimate(t.Context(), []ppo.Rollout{samples[i].Rollout})
		require.NoError(t, err)
		samples[i].Values = e[0].Values
	}
}

// all are the weights of the policy's network: those of the head by themselves.
func all(t *testing.T, a *Policy) (trunk map[string][]float32, head []float32) {
	t.Helper()
	trunk = map[string][]float32{}
	for _, name := range []string{"model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight", "model.layers.0.mlp.down_proj.weight", "model.norm.weight"} {
		w, ok := a.LM.Tensor(name)
		if !ok {
			t.Fatal(name)
		}
		trunk[name] = w
	}
	head, _ = a.LM.Tensor("heads." + ValueHead + ".weight")
	return trunk, head
}

// One pass over a shared trunk makes the step that a loss made by hand makes, policy +
// coefficient·value, and reports the losses that two networks report.
func TestSharedTrunk(t *testing.T) {
	const coefficient = 0.3
	a, samples := shared(t, Config{Temperature: 0.8, ValueCoef: coefficient, Entropy: 0.01, AdamW: model.AdamW{MaxNorm: 1e9}})
	b, _ := shared(t, Config{Temperature: 0.8, ValueCoef: coefficient, Entropy: 0.01})
	n := policyNumbers{low: 0.2, high: 0.2, entropy: 0.01}
	byHand := train.NewLearner(b.LM.Net, train.Loss{Build: func(d decoder.Decoder, in []*Node) train.Terms {
		hidden := d.Hidden(in[0])
		policy := n.loss(d, hidden, policyInputs{tokens: in[0], mask: in[1], old: in[2], advantage: in[3], weight: in[1], count: in[6], beta: in[7], temperature: in[8]}, nil).Loss
		v := decoder.ShiftTokensRight(d.Head(ValueHead, hidden))
		old, ret := in[4], in[5]
		near := Add(old, ClipScalar(Sub(v, old), -0.2, 0.2))
		worse := Max(Square(Sub(v, ret)), Square(Sub(near, ret)))
		value := Div(MulScalar(ReduceAllSum(Mul(worse, in[1])), 0.5), in[6])
		return train.Terms{Loss: Add(policy, MulScalar(value, coefficient)), Stats: Stack([]*Node{policy, value}, 0)}
	}}, model.AdamW{MaxNorm: 1e9})
	want, err := byHand.Step(pack(samples, b.sharedColumns, 0, 0.8), 1e-2)
	require.NoError(t, err)
	got := updated(t, a, samples, ppo.StepSizes{Policy: 1, Critic: 1})
	near(t, "policy loss", got.PolicyLoss, want.Stats[0], 1e-6)
	near(t, "value loss", got.ValueLoss, want.Stats[1], 1e-6)
	near(t, "norm of the trunk's gradient", got.GradNorm, want.GradNorm, 1e-5)
	near(t, "norm of the head's gradient", coefficient*got.CriticGradNorm, want.HeadGradNorm, 1e-5)
	near(t, "values are off by", got.ValueError, meanOff(samples), 1e-5)
	if len(got.Ratios) != len(samples) || len(got.Values) != len(samples) {
		t.Errorf("%d ratios and %d values of %d samples", len(got.Ratios), len(got.Values), len(samples))
	}
	one, head1 := all(t, a)
	two, head2 := all(t, b)
	one["head"], two["head"] = head1, head2
	for name, w := range one {
		for i := range w {
			// A first step of Adam is lr·g/(|g|+ε): a gradient that is next to nothing is noise.
			if math.Abs(float64(w[i]-two[name][i])) > 1e-4 {
				t.Errorf("%s[%d] is %g, by hand %g", name, i, w[i], two[name][i])
				break
			}
		}
	}
}

// meanOff is how far the values of [shared] were moved.
func meanOff(samples []ppo.Sample) float64 {
	sum := 0.0
	for i, s := range samples {
		for k := range s.Tokens {
			sum += math.Abs(0.1 * math.Sin(float64(i-k)))
		}
	}
	return sum / float64(count(samples))
}

// With coefficient 0 the trunk's step is that of the policy alone, to the last bit, and so it
// is where the critic stands still; the critic alone never moves the trunk, whatever the
// coefficient, and its moments stay.
func TestSharedHalves(t *testing.T) {
	_, samples := tiny(t, Config{Temperature: 0.8})
	for _, coefficient := range []float64{0, 0.5} {
		a, mine := shared(t, Config{Temperature: 0.8, ValueCoef: coefficient})
		before, headBefore := all(t, a)
		for range 2 {
			stats := updated(t, a, mine, ppo.StepSizes{Critic: 1})
			if stats.GradNorm != 0 || stats.CriticGradNorm == 0 {
				t.Errorf("norms of the critic alone: %g and %g", stats.GradNorm, stats.CriticGradNorm)
			}
		}
		after, head := all(t, a)
		if !reflect.DeepEqual(before, after) || slices.Equal(headBefore, head) {
			t.Errorf("coefficient %g: the critic alone moves the trunk, or nothing", coefficient)
		}
		first := coefficient == 0
		rates := []ppo.StepSizes{{Policy: 1}, {Policy: 0.5}}
		if first {
			rates = []ppo.StepSizes{{Policy: 1, Critic: 1}, {Policy: 0.5, Critic: 0.1}}
		}
		alone, _ := tiny(t, Config{Temperature: 0.8})
		for _, r := range rates {
			got, want := updated(t, a, mine, r), updated(t, alone, samples, ppo.StepSizes{Policy: r.Policy})
			if got.PolicyLoss != want.PolicyLoss || got.GradNorm != want.GradNorm || got.Entropy != want.Entropy || !slices.Equal(got.Ratios, want.Ratios) {
				t.Errorf("coefficient %g: %+v, of the policy alone %+v", coefficient, got, want)
			}
		}
		one, last := all(t, a)
		if two, _ := all(t, alone); !reflect.DeepEqual(one, two) {
			t.Errorf("coefficient %g: the trunk is not that of the policy alone", coefficient)
		}
		if slices.Equal(head, last) == first {
			t.Errorf("coefficient %g: the head moves where it should not, or does not", coefficient)
		}
	}
}

// Of two networks an update of the policy alone leaves the critic as it is.
func TestTwoNetworksAreApart(t *testing.T) {
	a, samples := tiny(t, Config{Temperature: 0.8})
	weights := func() (list [][]float32) {
		for _, name := range []string{"model.embed_tokens.weight", "model.layers.0.mlp.down_proj.weight", "score.weight"} {
			w, ok := a.Critic.Tensor(name)
			if !ok {
				t.Fatal(name)
			}
			list = append(list, w)
		}
		return list
	}
	before := weights()
	updated(t, a, samples, ppo.StepSizes{Policy: 1})
	if !reflect.DeepEqual(before, weights()) {
		t.Error("an update of the policy alone changes the critic")
	}
	if updated(t, a, samples, ppo.StepSizes{Critic: 1}); reflect.DeepEqual(before, weights()) {
		t.Error("an update of the critic changes nothing")
	}
}

// A half that is not finite leaves both where they were.
func TestSharedIsWholeOrNothing(t *testing.T) {
	for name, spoil := range map[string]func(s *ppo.Sample){
		"critic": func(s *ppo.Sample) { s.Returns = slices.Clone(s.Returns); s.Returns[0] = math.NaN() },
		"policy": func(s *ppo.Sample) { s.Advantages = slices.Clone(s.Advantages); s.Advantages[0] = math.NaN() },
	} {
		a, samples := shared(t, Config{Temperature: 0.8})
		before, head := all(t, a)
		bad := slices.Clone(samples)
		spoil(&bad[3])
		_, err := a.Update(t.Context(), bad, ppo.StepSizes{Policy: 1, Critic: 1})
		require.Error(t, err, "%s: no error", name)
		if after, last := all(t, a); !reflect.DeepEqual(before, after) || !slices.Equal(head, last) {
			t.Errorf("%s: half a step is left", name)
		}
	}
}

// The head has a count of steps and a clip of its own: its steps are the same whether or
// not the trunk makes steps, here of next to nothing, and its gradient is clipped to MaxNorm.
func TestSharedHeadIsApart(t *testing.T) {
	const maxNorm, eps, rate = 1e-8, 1e-8, 1e-2
	var heads [][]float32
	for _, policy := range []float64{0, 1e-20} {
		a, samples := shared(t, Config{Temperature: 0.8, AdamW: model.AdamW{MaxNorm: maxNorm, Eps: eps}})
		_, before := all(t, a)
		updated(t, a, samples, ppo.StepSizes{Policy: 1e-20, Critic: 1})
		_, after := all(t, a)
		squares := 0.0
		for i := range before { // a first step is rate·g/(|g|+ε)
			step := math.Abs(float64(before[i]-after[i])) / rate
			g := eps * step / (1 - step)
			squares += g * g
		}
		near(t, "norm of the clipped gradient, in units of MaxNorm", math.Sqrt(squares)/maxNorm, 1, 1e-2)
		for range 2 {
			updated(t, a, samples, ppo.StepSizes{Policy: policy, Critic: 1})
		}
		_, last := all(t, a)
		heads = append(heads, last)
	}
	if !slices.Equal(heads[0], heads[1]) {
		t.Error("the head's steps depend on the trunk's count of them")
	}
}
