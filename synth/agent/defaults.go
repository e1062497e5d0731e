package agent

import (
	"embed"
	"text/template"
)

//go:embed prompts/*.txt
var files embed.FS

var parsed = template.Must(template.ParseFS(files, "prompts/*.txt"))

// DefaultPrompts are those of the files under prompts.
var DefaultPrompts = Prompts{
	Solve:    Prompt{User: parsed.Lookup("solve.txt")},
	Go:       Prompt{System: parsed.Lookup("go_system.txt"), User: parsed.Lookup("go.txt")},
	Mend:     Prompt{System: parsed.Lookup("mend_system.txt"), User: parsed.Lookup("mend.txt")},
	Verify:   Prompt{System: parsed.Lookup("verify_system.txt"), User: parsed.Lookup("verify.txt")},
	Find:     Prompt{System: parsed.Lookup("find_system.txt"), User: parsed.Lookup("find.txt")},
	FindNext: Prompt{System: parsed.Lookup("find_system.txt"), User: parsed.Lookup("find_next.txt")},
	Again:    Prompt{User: parsed.Lookup("again.txt")},
	Mark:     Prompt{System: parsed.Lookup("mark_system.txt"), User: parsed.Lookup("mark.txt")},
}
