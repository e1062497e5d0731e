package agent

import (
	"math/rand/v2"
	"regexp"
	"strings"
)

// An Openers holds words that open a step of a critic, of which one is drawn for each step.
// The paper's demonstrations have such words (section D.1.2), its critic writes none.
type Openers struct{ Verify, Mistake, Explore []string }

// defaultOpeners returns the words of agents that are given none.
func defaultOpeners() Openers {
	return Openers{
		Verify:  []string{"Let me pause and check this.", "Before I go on, I want to be sure of this.", "Let me look over what I have."},
		Mistake: []string{"Hold on.", "Wait, something is off.", "Let me look at that again.", "I should question what I just did."},
		Explore: []string{"Let me try another way.", "I will take a different approach.", "This time I do it differently."},
	}
}

// opened puts one of the words before a text.
func opened(words []string, text string, rng *rand.Rand) string {
	if len(words) == 0 {
		return text
	}
	return words[rng.IntN(len(words))] + " " + text
}

var (
	blankLine = regexp.MustCompile(`\n[ \t]*\n\s*`)
	// label matches what models put before a step when they are asked for steps.
	label = regexp.MustCompile(`^(?i:[#*\s]*step(\s+\d+)?\s*[:.)](\*\*)?|[#*\s]*step\s+\d+\*\*[:.]?)[ \t]*`)
)

// Steps splits a solution at blank lines, or at line ends if it has none, and removes
// labels such as "Step 2:".
func Steps(text string) []string {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	parts := blankLine.Split(text, -1)
	if len(parts) == 1 {
		parts = strings.Split(text, "\n")
	}
	var steps []string
	for _, p := range parts {
		if p = strings.TrimSpace(label.ReplaceAllString(strings.TrimSpace(p), "")); p != "" {
			steps = append(steps, p)
		}
	}
	return steps
}

// said returns a reply without the thoughts of a reasoning model. It fails if the text has
// what could be taken for a special token.
func said(text string) (string, bool) {
	if _, after, found := strings.Cut(text, "</think>"); found {
		text = after
	}
	text = strings.TrimSpace(text)
	return text, text != "" && !strings.Contains(text, "<|")
}
