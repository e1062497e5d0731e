package stored_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/internal/stored"
)

// All that is wrong with the tensors is one error, in a fixed order, before any data is read.
func TestLoadChecksFirst(t *testing.T) {
	c, err := decoder.Config{VocabSize: 8, Dim: 4, IntermediateSize: 4, Layers: 1, Heads: 1, MaxPositions: 8, Tied: true}.Resolve()
	require.NoError(t, err)
	have := map[string]stored.Tensor{}
	for _, s := range c.Specs() {
		have[s.Name] = stored.Tensor{Where: "f", Dims: s.Dims, Read: func() ([]float32, error) {
			t.Errorf("%s was read", s.Name)
			return nil, nil
		}}
	}
	delete(have, "model.norm.weight")
	have["extra"] = stored.Tensor{Where: "f"}
	have[decoder.Embedding] = stored.Tensor{Where: "f", Dims: []int{9, 4}}
	_, err = stored.Load(modeltest.Backends(t)["go"], c, have)
	const want = `f: tensor "extra" is not one of this model's
f: tensor "model.embed_tokens.weight" has shape [9 4], want [8 4]
tensor "model.norm.weight" is missing`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// Of many faults the first are told.
func TestJoin(t *testing.T) {
	var faults []error
	c, err := decoder.Config{VocabSize: 8, Dim: 4, IntermediateSize: 4, Layers: 9, Heads: 1, MaxPositions: 8, Tied: true}.Resolve()
	require.NoError(t, err)
	faults = append(faults, stored.Check(nil, c.Specs()))
	if text := faults[0].Error(); strings.Count(text, "\n") != 20 || !strings.HasSuffix(text, "more") {
		t.Errorf("%s", text)
	}
}
