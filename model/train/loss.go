package train

import (
	"sync"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
)

// A Loss builds what a learner makes smaller.
type Loss struct {
	// Build builds the loss of one micro-batch, whose inputs are those of [Batch]. The loss has to
	// be a sum over what the micro-batch holds, divided by a count of the whole batch, which is
	// one of the batch's scalars: micro-batches then add up to the batch.
	Build func(d decoder.Decoder, in []*Node) Terms
	// Key is a comparable value that says what Build computes, such as a struct of the numbers
	// that it puts into the graph. Learners whose losses have equal keys share their compiled
	// graphs, on networks of equal configurations. nil: the learner compiles its own.
	Key any
}

// A Terms holds the results of a loss.
type Terms struct {
	Loss  *Node // []
	Stats *Node // [k], statistics that are added up over the micro-batches as the loss is; nil: none
	Rows  *Node // [batch, m], statistics of each row; nil: none
}

// graphs keeps the compiled graphs of losses with a key, of key → *device.Cache. They stay for
// the life of the process, as their backend does.
var graphs sync.Map

// cache returns the compiled graphs of a loss.
func (l Loss) cache() *device.Cache {
	if l.Key == nil {
		return new(device.Cache)
	}
	c, _ := graphs.LoadOrStore(l.Key, new(device.Cache))
	return c.(*device.Cache)
}

// nodes builds the loss and lists its results.
//
//	→ loss [], stats [k], rows [batch·m]
func (l Loss) nodes(d decoder.Decoder, in []*Node) []*Node {
	t := l.Build(d, in)
	t.Loss.AssertDims()
	g := t.Loss.Graph()
	if t.Stats == nil {
		t.Stats = Zeros(g, device.F32(1))
	}
	t.Stats.AssertRank(1)
	if t.Rows == nil {
		t.Rows = Zeros(g, device.F32(1, 1))
	}
	t.Rows.AssertRank(2)
	return []*Node{t.Loss, t.Stats, Reshape(t.Rows, -1)}
}

// terms is the number of results that nodes lists.
const terms = 3
