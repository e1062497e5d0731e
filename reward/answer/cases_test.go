package answer

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A sample is a pair of answers and whether they are equal.
type sample struct {
	gold, pred string
	equal      bool
}

// samples reads the cases of one class.
func samples(t testing.TB, path string) []sample {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []sample
	for in := bufio.NewScanner(f); in.Scan(); {
		cells := strings.Split(in.Text(), "\t")
		if len(cells) != 3 {
			t.Fatalf("%s: %q has %d cells, want 3", path, in.Text(), len(cells))
		}
		if cells[0] != "gold" {
			out = append(out, sample{cells[0], cells[1], cells[2] == "yes"})
		}
	}
	return out
}

// The cases of each class of answers, written by hand from the contract.
func TestCases(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.tsv")
	if err != nil || len(paths) == 0 {
		t.Fatal("no cases", err)
	}
	total, agreed := 0, 0
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".tsv"), func(t *testing.T) {
			right, all := 0, samples(t, path)
			for _, s := range all {
				if got := Equal(s.gold, s.pred); got == s.equal {
					right++
				} else if g, err := CompileGold(s.gold); err != nil {
					t.Errorf("Equal(%q, %q) = %v: %v", s.gold, s.pred, got, err)
				} else {
					t.Errorf("Equal(%q, %q) = %v: %v", s.gold, s.pred, got, g.Equal(s.pred))
				}
			}
			t.Logf("%d of %d agree", right, len(all))
			total, agreed = total+len(all), agreed+right
		})
	}
	t.Logf("%d of %d agree in %d classes", agreed, total, len(paths))
}
