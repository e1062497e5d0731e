package network

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
)

// A network that has taken another's weights computes what the other did; one of another
// shape, or in another storage, is refused and both stay as they are.
func TestTakeWeights(t *testing.T) {
	b, err := backend.Open("go")
	require.NoError(t, err)
	c := decoder.Config{VocabSize: 7, Dim: 8, IntermediateSize: 16, Layers: 1, Heads: 2, MaxPositions: 16, EOS: 1}
	fresh := func(c decoder.Config, seed uint64) *Net {
		n, err := New(b, c, seed)
		require.NoError(t, err)
		return n
	}
	logprobs := func(n *Net) []float32 {
		out, err := n.TokenLogProbs(t.Context(), [][]int32{{2, 3, 4}}, 1)
		require.NoError(t, err)
		return out[0]
	}
	n, other := fresh(c, 1), fresh(c, 2)
	want := logprobs(other)
	require.NoError(t, n.TakeWeights(other))
	if got := logprobs(n); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	wider := c
	wider.IntermediateSize = 24
	half := fresh(c, 3)
	half.ToBF16()
	critic, err := fresh(c, 3).WithHeads(1, decoder.HeadScore)
	require.NoError(t, err)
	for _, x := range []*Net{fresh(wider, 3), half, critic} {
		if err := n.TakeWeights(x); err == nil {
			t.Errorf("it took the weights of %+v", x.Config)
		}
		if got := logprobs(n); !slices.Equal(got, want) {
			t.Error("a refusal changed the network")
		}
	}

	// Over a base that two adapters share, the adapter alone changes.
	base := fresh(c, 4)
	adapter := func(seed uint64) *Net {
		a, err := base.WithLoRA(decoder.LoRA{Rank: 2, Seed: seed})
		require.NoError(t, err)
		return a
	}
	before := logprobs(base)
	one, two := adapter(1), adapter(2)
	require.NoError(t, one.TakeWeights(two))
	if got := logprobs(base); !slices.Equal(got, before) {
		t.Error("the base changed")
	}
	if got := logprobs(one); !slices.Equal(got, before) { // a fresh adapter changes nothing
		t.Errorf("%v, want %v", got, before)
	}
}
