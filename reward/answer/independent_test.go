package answer

import (
	"os"
	"strings"
	"testing"
)

// cells are the rows of a table of independent cases, without its head.
func cells(t *testing.T, name string, width int) [][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/independent/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		row := strings.Split(line, "\t")
		if len(row) != width {
			t.Fatalf("%s: %q has %d cells, want %d", name, line, len(row), width)
		}
		rows = append(rows, row)
	}
	return rows
}

// Cases that were labelled from the contract before they were run; see their README.
func TestIndependent(t *testing.T) {
	classes := map[string]int{}
	for _, name := range []string{"first.tsv", "second.tsv", "third.tsv"} {
		for _, row := range cells(t, name, 4) {
			classes[row[0]]++
			if got, want := Equal(row[1], row[2]), row[3] == "yes"; got != want {
				t.Errorf("%s: Equal(%q, %q) = %v, want %v", row[0], row[1], row[2], got, want)
			}
		}
	}
	if len(classes) != 39 {
		t.Errorf("%d classes, want 39", len(classes))
	}
}

func TestIndependentExtract(t *testing.T) {
	for _, row := range cells(t, "extract.tsv", 2) {
		output := strings.ReplaceAll(row[0], "⏎", "\n")
		want, found := row[1], row[1] != "-"
		if !found {
			want = ""
		}
		if got, ok := Extract(output); got != want || ok != found {
			t.Errorf("Extract(%q) = %q, %v, want %q, %v", output, got, ok, want, found)
		}
	}
}
