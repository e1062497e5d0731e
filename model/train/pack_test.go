package train

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/internal/modeltest"
)

// Rows of about the same length share a micro-batch. Columns lie under the last tokens, padding is
// 0, and the rows of a group lie one behind the other.
func TestPack(t *testing.T) {
	n := smallNet(t, modeltest.Backends(t)["go"])
	row := func(id int32, tokens int) Row {
		r := Row{IDs: make([]int32, tokens), Columns: [][]float32{{float32(id)}}, Numbers: []float32{float32(tokens)}}
		for k := range r.IDs {
			r.IDs[k] = id
		}
		return r
	}
	b := Batch{Rows: []Row{row(2, 9), row(3, 10), row(4, 2), row(5, 1), row(6, 3), row(7, 3)},
		Together: 2, MicroBatch: 2, Scalars: []float32{6}}
	p, err := b.pack(n)
	require.NoError(t, err)
	wantOrder := [][]int{{2, 4, 3, 5}, {0, -1, 1, -1}}
	wantSeq := []int{8, 16}
	for m, in := range p.inputs {
		require.Len(t, in, 4)
		ids, column, numbers := in[0].Value().([][]int32), in[1].Value().([][]float32), in[2].Value().([]float32)
		for at, i := range wantOrder[m] {
			if p.order[m][at] != i || len(ids[at]) != wantSeq[m] {
				t.Fatalf("micro-batch %d: rows %v of %d tokens", m, p.order[m], len(ids[at]))
			}
			for k, id := range ids[at] {
				var want Row
				if i >= 0 {
					want = b.Rows[i]
				}
				wantID, wantColumn := int32(0), float32(0)
				if k < len(want.IDs) {
					wantID = want.IDs[k]
				}
				if i >= 0 && k == len(want.IDs)-1 {
					wantColumn = float32(wantID)
				}
				if id != wantID || column[at][k] != wantColumn {
					t.Errorf("micro-batch %d, row %d, token %d: %d and %g, want %d and %g", m, at, k, id, column[at][k], wantID, wantColumn)
				}
			}
			if i >= 0 && numbers[at] != float32(len(b.Rows[i].IDs)) || i < 0 && numbers[at] != 0 {
				t.Errorf("micro-batch %d, row %d: number %g", m, at, numbers[at])
			}
		}
		if got := in[3].Value().(float32); got != 6 {
			t.Errorf("scalar %g", got)
		}
	}
	for want, bad := range map[string]Batch{
		"a batch of 0 rows":             {},
		"a batch of 3 rows":             {Rows: b.Rows[:3], Together: 2},
		"row 1 has 0 columns":           {Rows: []Row{row(2, 3), {IDs: []int32{2}}}},
		"row 0 has 1 tokens and 2 numb": {Rows: []Row{{IDs: []int32{2}, Columns: [][]float32{{1, 1}}}}},
	} {
		if _, err := bad.pack(n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// Half of a batch goes into a micro-batch, and at most 8 rows.
func TestMicroBatchSize(t *testing.T) {
	for _, c := range []struct {
		b    Batch
		want int
	}{
		{Batch{Rows: make([]Row, 1)}, 1}, {Batch{Rows: make([]Row, 5)}, 3}, {Batch{Rows: make([]Row, 100)}, 8},
		{Batch{Rows: make([]Row, 3), Full: 16}, 8}, {Batch{Rows: make([]Row, 2), Together: 2}, 1},
		{Batch{Rows: make([]Row, 32), Together: 2}, 4}, {Batch{Rows: make([]Row, 9), MicroBatch: 5}, 5},
	} {
		if got := c.b.microBatch(); got != c.want {
			t.Errorf("%d rows, %d together, full %d: %d, want %d", len(c.b.Rows), c.b.Together, c.b.Full, got, c.want)
		}
	}
}
