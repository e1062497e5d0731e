package bt

import (
	"context"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/reward/eval"
)

// A chooser keeps the weights that did best at choosing among attempts.
type chooser struct {
	attempts []coat.Judged
	rows     [][]int32 // the attempts, encoded
	problems int
	best     *model.Net // nil before the first measurement
	rm       float64    // of the best
}

func (m *Model) newChooser(attempts []coat.Judged) (*chooser, error) {
	c := &chooser{attempts: attempts}
	problems := map[coat.Problem]bool{}
	for _, a := range attempts {
		ids, err := m.encode(a.Attempt)
		if err != nil {
			return nil, err
		}
		c.rows = append(c.rows, ids)
		problems[a.Start.Problem] = true
	}
	c.problems = len(problems)
	return c, nil
}

// measure is RM@n of the model, of whose weights it keeps a copy where none did better.
func (c *chooser) measure(ctx context.Context, m *Model) (float64, error) {
	scores, err := m.scores(ctx, c.rows)
	if err != nil {
		return 0, err
	}
	rm, err := eval.BestOfN(c.attempts, scores)
	if err != nil {
		return 0, err
	}
	if c.best == nil || rm >= c.rm {
		c.close()
		c.best, c.rm = m.Net.Clone(), rm
	}
	return rm, nil
}

// choose gives the model the best weights, if any were measured.
func (c *chooser) choose(m *Model) {
	if c.best == nil {
		return
	}
	m.Net.Close()
	m.Net, c.best = c.best, nil
	m.RM, m.Problems = c.rm, c.problems
}

func (c *chooser) close() {
	if c.best != nil {
		c.best.Close()
		c.best = nil
	}
}
