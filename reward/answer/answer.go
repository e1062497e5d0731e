package answer

import (
	"errors"

	"github.com/satori-go/satori/reward/answer/internal/extract"
	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// Extract finds the final answer in the output of a model: the last box or group of
// boxes; else what follows the last ####; else what follows the last "answer is" or
// "Answer:". There is no guess: the last number of a text is no answer, and where
// the last box is empty or not closed there is none. What comes before the last
// </think> is not read.
func Extract(output string) (answer string, ok bool) { return extract.Find(output) }

// Equal tells whether pred is the answer gold. It is [CompileGold] and [Gold.Equal];
// a gold answer that cannot be read equals only what is written alike.
func Equal(gold, pred string) bool {
	g, err := CompileGold(gold)
	switch {
	case err == nil:
		return g.Equal(pred).Equal
	case errors.Is(err, errEmpty):
		return false
	}
	gold, pred = tidy(gold), tidy(pred)
	if gold == "" || pred == "" || len(gold) > maxBytes || len(pred) > maxBytes {
		return false
	}
	a, ok1 := latex.Lex(gold)
	b, ok2 := latex.Lex(pred)
	return ok1 && ok2 && len(a) > 0 && latex.Alike(a, b)
}
