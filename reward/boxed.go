package reward

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
)

// Boxed finds what is written in the last \boxed{...} of a text, which counts where there
// are several. Braces are matched; \{ and \} are not braces. Where the last box is not
// closed there is no answer, whatever the boxes before it hold.
func Boxed(text string) (string, bool) {
	const box = `\boxed`
	at := strings.LastIndex(text, box)
	if at < 0 {
		return "", false
	}
	body, ok := strings.CutPrefix(strings.TrimLeft(text[at+len(box):], " \t\n"), "{")
	if !ok {
		return "", false
	}
	for i, depth := 0, 1; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++ // an escaped byte is never a brace
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return body[:i], true
			}
		}
	}
	return "", false
}

// Exact gives 1 if the words in the last box of the response are those of the problem's
// answer, else 0. White space does not matter; everything else does. It suits answers
// that can be written in one way; [Answer] makes a check for mathematics. A problem
// without an answer is an error. Exact is a [Func] and a check.
func Exact(_ context.Context, a coat.Attempt) (float64, error) {
	gold := strings.Fields(a.Start.Problem.Answer)
	if len(gold) == 0 {
		return 0, errors.New("the problem has no answer to compare with")
	}
	if box, ok := Boxed(a.Text); ok && slices.Equal(strings.Fields(box), gold) {
		return 1, nil
	}
	return 0, nil
}
