package network

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/decoder"
)

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
	c.specs = c.Config.Specs()
	if err := c.fillFrom(n, seed); err != nil {
		return nil, fmt.Errorf("model: WithScalar: %w", err)
	}
	return c, nil
}

// WithoutScalars copies the network without its scalar heads. It panics if the device is out of
// memory.
func (n *Net) WithoutScalars() *Net {
	c := &Net{Config: n.Config, backend: n.backend}
	c.Config.Scalars = nil
	c.specs = c.Config.Specs()
	must(c.fillFrom(n, 0))
	return c
}

// ScalarScores runs a scalar head over rows of tokens, as [Net.Scores] does with that of a
// reward model: as many scores as tokens.
func (n *Net) ScalarScores(ctx context.Context, name string, rows [][]int32) ([][]float32, error) {
	if !slices.Contains(n.Config.Scalars, name) {
		return nil, fmt.Errorf("model: ScalarScores: the network has no head %q (%q)", name, n.Config.Scalars)
	}
	return n.forward(ctx, "head "+name, rows, nil, func(d decoder.Decoder, in []*Node) *Node {
		return d.Scalar(name, d.Hidden(in[0]))
	})
}
