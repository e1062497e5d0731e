package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// scalars is what the tensors of scalar heads beside the language-model head begin with.
const scalars = "heads."

func scalarHead(name string) string { return scalars + name + ".weight" }

// scalar tells whether a tensor is one of a scalar head.
func (s spec) scalar() bool { return strings.HasPrefix(s.name, scalars) }

// part is the part of a network that a tensor belongs to: 1, the scalar heads, or 0.
func (s spec) part() int {
	if s.scalar() {
		return 1
	}
	return 0
}

// WithScalar copies the network and adds a fresh scalar head to its trunk, beside the
// heads that it has: an actor and its critic in one network, that one [Learner] trains
// against the sum of their losses. The head is one of [Config.Scalars].
func (n *Net) WithScalar(name string, seed uint64) (*Net, error) {
	switch {
	case name == "" || strings.ContainsAny(name, "./\\"):
		return nil, fmt.Errorf("model: WithScalar: %q is no name of a head", name)
	case slices.Contains(n.Config.Scalars, name):
		return nil, fmt.Errorf("model: WithScalar: the network has a head %q already", name)
	}
	c := &Net{Config: n.Config, backend: n.backend}
	c.Config.Scalars = append(slices.Clone(n.Config.Scalars), name)
	c.specs = c.Config.specs()
	if err := c.fillFrom(n, seed); err != nil {
		return nil, fmt.Errorf("model: WithScalar: %w", err)
	}
	return c, nil
}

// WithScalar is [Net.WithScalar] with the model's tokenizer.
func (m *LM) WithScalar(name string, seed uint64) (*LM, error) {
	n, err := m.Net.WithScalar(name, seed)
	if err != nil {
		return nil, err
	}
	return m.over(n), nil
}

// WithoutScalars copies the model without its scalar heads: what is left of an actor that was
// its own critic.
func (m *LM) WithoutScalars() *LM {
	n := &Net{Config: m.Config, backend: m.backend}
	n.Config.Scalars = nil
	n.specs = n.Config.specs()
	must(n.fillFrom(m.Net, 0))
	return m.over(n)
}

// Scalar is one of the scalar heads beside the language-model head.
//
//	hidden [batch, seq, dim] → [batch, seq]
func (c Config) Scalar(w Weights, name string, hidden *Node) *Node {
	return Squeeze(c.dense(hidden, w[scalarHead(name)]), -1)
}

// ScalarScores runs a scalar head over rows of tokens, as [Net.Scores] does with that of a
// reward model: as many scores as tokens.
func (n *Net) ScalarScores(ctx context.Context, name string, rows [][]int32) ([][]float32, error) {
	if !slices.Contains(n.Config.Scalars, name) {
		return nil, fmt.Errorf("model: ScalarScores: the network has no head %q (%q)", name, n.Config.Scalars)
	}
	return n.forward(ctx, "head "+name, rows, nil, func(c Config, w Weights, in []*Node) *Node {
		return c.Scalar(w, name, c.Hidden(w, in[0]))
	})
}

// scalarsFile holds the scalar heads of a saved model, in a folder of its own: what reads
// every .safetensors of a directory, as vLLM does, does not know them.
var scalarsFile = filepath.Join("heads", "heads.safetensors")

// saveScalars writes the scalar heads, which come last.
func (n *Net) saveScalars(dir string) error {
	first := len(n.specs) - len(n.Config.Scalars)
	if first == len(n.specs) {
		return nil
	}
	path := filepath.Join(dir, scalarsFile)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return writeSafetensors(path, n.specs[first:], n.Config.half, func(i int) []float32 { return device.Values(n.weights[first+i]) })
}

// openScalars lists the scalar heads of a directory, and adds them to the config.
func (c *Config) openScalars(dir string) (map[string]stored, io.Closer, error) {
	path := filepath.Join(dir, scalarsFile)
	have, file, err := openSafetensors(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, closers{}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for name := range have {
		head, ok := strings.CutPrefix(strings.TrimSuffix(name, ".weight"), scalars)
		if !ok || scalarHead(head) != name {
			return nil, nil, errors.Join(fmt.Errorf("%s: tensor %q is no scalar head", path, name), file.Close())
		}
		c.Scalars = append(c.Scalars, head)
	}
	slices.Sort(c.Scalars)
	return have, file, nil
}
