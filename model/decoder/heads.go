package decoder

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
)

// Names of heads. A config can have further heads of other names, such as "value".
const (
	HeadLM    = "lm"    // the language-model head
	HeadScore = "score" // the head of a reward model or critic
)

// HeadNames lists the heads of a decoder.
func (c Config) HeadNames() []string {
	if c.OutputHeads == nil {
		return []string{HeadLM}
	}
	return c.OutputHeads
}

// HasHead reports whether a decoder has a head of this name.
func (c Config) HasHead(name string) bool { return slices.Contains(c.HeadNames(), name) }

// WithHeads returns the config of a decoder with these heads instead.
func (c Config) WithHeads(names ...string) (Config, error) {
	c.OutputHeads = slices.Clone(names)
	if slices.Equal(names, []string{HeadLM}) {
		c.OutputHeads = nil
	}
	return c, c.checkHeads()
}

// checkHeads reports heads that a decoder cannot have.
func (c Config) checkHeads() error {
	var faults []error
	names := c.HeadNames()
	if !c.HasHead(HeadLM) && !c.HasHead(HeadScore) {
		faults = append(faults, fmt.Errorf("the heads are %q, want %q or %q among them", names, HeadLM, HeadScore))
	}
	for i, name := range names {
		if name == "" || strings.ContainsAny(name, "./\\") {
			faults = append(faults, fmt.Errorf("%q is no name of a head: want one without dots and slashes", name))
		}
		if slices.Contains(names[:i], name) {
			faults = append(faults, fmt.Errorf("head %q is given twice", name))
		}
	}
	return errors.Join(faults...)
}

// HeadTensor names the tensor of a head. A tied language-model head is the embedding.
func (c Config) HeadTensor(name string) string {
	switch {
	case name == HeadLM && c.Tied:
		return Embedding
	case name == HeadLM:
		return LMHeadTensor
	case name == HeadScore && !c.HasHead(HeadLM):
		return scoreHead
	}
	return extraHeads + name + ".weight"
}

// ExtraHead reports whether a tensor is a head beside the main one, which is the language-model
// head or else the score. Transformers does not know such heads.
func (s Spec) ExtraHead() bool { return strings.HasPrefix(s.Name, extraHeads) }

// headSpecs lists the tensors of the heads: the main head first, then the others in their order.
func (c Config) headSpecs() (list []Spec) {
	main := HeadLM
	if !c.HasHead(HeadLM) {
		main = HeadScore
		list = append(list, Spec{scoreHead, []int{1, c.Dim}})
	} else if !c.Tied {
		list = append(list, Spec{LMHeadTensor, []int{c.VocabSize, c.Dim}})
	}
	for _, name := range c.HeadNames() {
		if name != main {
			list = append(list, Spec{c.HeadTensor(name), []int{1, c.Dim}})
		}
	}
	return list
}

// Logits runs the language-model head.
//
//	hidden [..., dim] → [..., vocab]
func (d Decoder) Logits(hidden *Node) *Node {
	hidden.AssertDims(append(rowDims(hidden), d.Dim)...)
	return d.dense(hidden, d.Weights[d.HeadTensor(HeadLM)])
}

// Head runs a head of one number a token.
//
//	hidden [batch, seq, dim] → [batch, seq]
func (d Decoder) Head(name string, hidden *Node) *Node {
	hidden.AssertRank(3)
	hidden.AssertDims(append(rowDims(hidden), d.Dim)...)
	if name == HeadLM || !d.HasHead(name) {
		panic(fmt.Errorf("decoder: %q is no scalar head: the heads are %q", name, d.HeadNames()))
	}
	return Squeeze(d.dense(hidden, d.Weights[d.HeadTensor(name)]), -1) // [batch, seq]
}
