package agent

import (
	"embed"
	"text/template"
)

//go:embed prompts/*.txt
var files embed.FS

var parsed = template.Must(template.ParseFS(files, "prompts/*.txt"))

// defaultPrompts returns the prompts of the files under prompts.
func defaultPrompts() Prompts {
	user := func(name string) Prompt { return Prompt{User: parsed.Lookup(name + ".txt")} }
	both := func(system, name string) Prompt {
		return Prompt{System: parsed.Lookup(system + "_system.txt"), User: parsed.Lookup(name + ".txt")}
	}
	return Prompts{
		Solve:          user("solve"),
		Continue:       both("continue", "continue"),
		Correct:        both("correct", "correct"),
		Verify:         both("verify", "verify"),
		FindError:      both("find_error", "find_error"),
		FindErrorAgain: both("find_error", "find_error_again"),
		Retry:          user("retry"),
		Grade:          both("grade", "grade"),
	}
}
