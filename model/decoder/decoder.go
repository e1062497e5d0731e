package decoder

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// A Decoder holds the tensors of a decoder in one graph, beside the config that says how to
// compute with them.
type Decoder struct {
	Config
	Weights map[string]*Node // by Hugging Face name, float32
}

// Bind takes a decoder's tensors from the front of a graph's inputs, in the order of
// [Config.Specs], and returns the other inputs.
func (c Config) Bind(in []*Node) (Decoder, []*Node) {
	specs := c.Specs()
	d := Decoder{c, make(map[string]*Node, len(specs))}
	for i, s := range specs {
		in[i].AssertDims(s.Dims...)
		d.Weights[s.Name] = ConvertDType(in[i], device.Float32)
	}
	return d, in[len(specs):]
}

// Hidden runs all layers and the final norm over rows that begin at position 0. Rows are padded
// on the right.
//
//	tokens [batch, seq] int32 → [batch, seq, dim]
func (d Decoder) Hidden(tokens *Node) *Node {
	hidden, _ := d.hidden(tokens)
	return hidden
}

// hidden computes Hidden, and what the KV cache of each layer holds of the rows.
func (d Decoder) hidden(tokens *Node) (*Node, []layerCache) {
	tokens.AssertRank(2)
	batch, seq := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	cos, sin := d.rotations(tokens.Graph(), seq)                        // [seq, rotary/2]
	cos, sin = Reshape(cos, 1, seq, 1, -1), Reshape(sin, 1, seq, 1, -1) // [1, seq, 1, rotary/2]
	x := Gather(d.Weights[Embedding], ExpandAxes(tokens, -1))           // [batch, seq, dim]
	x.AssertDims(batch, seq, d.Dim)
	var caches []layerCache
	for i := range d.Layers {
		if d.GradientCheckpointing {
			x = x.Checkpoint()
		}
		rows := &wholeRows{Config: d.Config, cos: cos, sin: sin}
		x = d.layer(i, x, rows)
		caches = append(caches, rows.seen)
	}
	if d.GradientCheckpointing {
		x = x.StopCheckpoint()
	}
	return d.norm(x, d.Weights[finalNorm]), caches
}

// A sequence gives a layer what its tokens read of the tokens before them. It serves one layer.
// Training, decoding and prefill differ in this alone.
type sequence interface {
	// rotate rotates queries or keys to the positions of their tokens.
	//
	//	x [..., heads, head] → [..., heads, head]
	rotate(x *Node) *Node
	// previous returns for each token the same channels of the token before it, 0 for the first
	// token of a row.
	//
	//	x [..., dim/2] → [..., dim/2]
	previous(x *Node) *Node
	// attend lets queries, scaled before, attend to the keys and values of their own token and
	// of those before it.
	//
	//	q [..., heads, head], k and v [..., kv, head] → [..., heads·head]
	attend(q, k, v *Node) *Node
}

// layer runs one block: attention and SwiGLU, each of a norm of x and added to x.
//
//	x [..., dim] → [..., dim]
func (d Decoder) layer(i int, x *Node, tokens sequence) *Node {
	x.AssertDims(append(rowDims(x), d.Dim)...)
	name := layerName(i)
	split := func(x *Node, heads int) *Node { return Reshape(x, append(rowDims(x), heads, d.HeadDim)...) } // [..., heads, head]

	h := d.norm(x, d.Weights[name+"input_layernorm.weight"])
	if d.TokenShift {
		first := SliceAxis(h, -1, AxisRange(0, d.Dim/2))                                           // [..., dim/2]
		h = Concatenate([]*Node{tokens.previous(first), SliceAxis(h, -1, AxisRange(d.Dim/2))}, -1) // [..., dim]
	}
	qkv := d.projectAll(h, name+"self_attn.q_proj", name+"self_attn.k_proj", name+"self_attn.v_proj")
	q := d.headNorm(name+"self_attn.q_norm", split(qkv[0], d.Heads))   // [..., heads, head]
	k := d.headNorm(name+"self_attn.k_norm", split(qkv[1], d.KVHeads)) // [..., kv, head]
	v := split(qkv[2], d.KVHeads)                                      // [..., kv, head]
	q = MulScalar(tokens.rotate(q), 1/math.Sqrt(float64(d.HeadDim)))
	k = tokens.rotate(k)

	x = Add(x, d.project(name+"self_attn.o_proj", tokens.attend(q, k, v))) // [..., dim]
	return Add(x, d.mlp(name, x))
}

// rowDims lists the sizes of all axes but the last.
func rowDims(x *Node) []int {
	dims := x.Shape().Dimensions
	return append([]int(nil), dims[:len(dims)-1]...)
}

// wholeRows is the sequence of rows that are computed whole, from position 0 on: that of
// training, of scoring and of the first part of a prompt.
type wholeRows struct {
	Config
	cos, sin *Node      // [1, seq, 1, rotary/2]
	seen     layerCache // what the layer's cache would hold: keys and values [batch, seq, kv, head], shift [batch, seq, dim/2]
}

func (r *wholeRows) rotate(x *Node) *Node { return r.Config.rotate(x, r.cos, r.sin) }

func (r *wholeRows) previous(x *Node) *Node {
	x.AssertRank(3)
	batch, seq, channels := x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2)
	r.seen.shift = x
	first := Zeros(x.Graph(), device.F32(batch, 1, channels))
	return Concatenate([]*Node{first, Slice(x, AxisRange(), AxisRange(0, seq-1))}, 1) // [batch, seq, dim/2]
}

func (r *wholeRows) attend(q, k, v *Node) *Node {
	r.seen.keys, r.seen.values = k, v
	return r.Config.attend(q, k, v)
}
