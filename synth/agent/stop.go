package agent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/satori-go/satori/reward/answer"
)

// StopAtAnswer ends a solution where an answer is first announced, in one of the ways that
// [answer.Extract] knows. It is a value for Config.StopAt, for models that are too small to
// end a solution as they are asked to. What follows the answer, such as the same
// sentence once more or a problem that the model invents, is dropped. If the answer is in no
// box, a last step is added, the one that the paper's prompts ask for. Steps that announce
// no answer stay as they are. A pipeline that uses it should say so in its manifest, since
// its demonstrations are not quite what the model wrote.
func StopAtAnswer(steps []string) (kept []string, whole bool) {
	for i, s := range steps {
		found, ok := answer.Extract(s)
		if !ok {
			continue
		}
		found = strings.Trim(found, "$")
		kept = slices.Clone(steps[:i+1])
		if strings.Contains(s, `\boxed`) {
			return kept, true
		}
		last := fmt.Sprintf(`Therefore, the final answer is: \(\boxed{%s}\)`, found)
		if again, ok := answer.Extract(last); !ok || again != found {
			return steps, false // such as one whose braces are not balanced
		}
		return append(kept, last), true
	}
	return steps, false
}
