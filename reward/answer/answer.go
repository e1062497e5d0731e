package answer

import (
	"errors"

	"github.com/satori-go/satori/reward/answer/internal/extract"
	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// Extract finds the final answer in the output of a model. It looks for the last box
// (\boxed or \fbox) or group of boxes, then for what follows the last ####, then for what
// follows the last "answer is" or "Answer:". It does not guess: the last number of a text
// is not an answer, and a last box that is empty or not closed means no answer. Text before
// the last </think> is ignored.
func Extract(output string) (answer string, ok bool) { return extract.Find(output) }

// Equal reports whether pred equals the reference answer gold. It calls [CompileGold] and
// [Gold.Equal]. If gold cannot be parsed, only a prediction with the same tokens equals it.
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
