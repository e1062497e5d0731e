package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// TestMain lets tests start this program as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("VERIFY_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

func call(stdin string, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(context.Background(), args, strings.NewReader(stdin), &out, &errs)
	return status, out.String(), errs.String()
}

func TestFilter(t *testing.T) {
	const in = `{"gold":"1/2","pred":"0.5"}
{"id": 7, "gold": 72, "note": {"a": [1, "<&>"]}, "output": "so the answer is 72.<|im_end|>"}

{"gold":"1/2","output":"\\boxed{\\frac{1}{2}} or not \\boxed{2}"}
{"gold":"3","output":"3"}
{"gold":"3","pred":"3 +"}
{"gold":"3","pred":"3","output":"\\boxed{4}","reason":"old","equal":null}
`
	const want = `{"gold":"1/2","pred":"0.5","equal":true,"answer":"0.5","reason":"equal"}
{"id":7,"gold":72,"note":{"a": [1, "<&>"]},"output":"so the answer is 72.<|im_end|>","equal":true,"answer":"72","reason":"equal"}
{"gold":"1/2","output":"\\boxed{\\frac{1}{2}} or not \\boxed{2}","equal":false,"answer":"2","reason":"different"}
{"gold":"3","output":"3","equal":false,"answer":"","reason":"no answer"}
{"gold":"3","pred":"3 +","equal":false,"answer":"3 +","reason":"unparsed"}
{"gold":"3","pred":"3","output":"\\boxed{4}","equal":true,"answer":"3","reason":"equal"}
`
	status, out, errs := call(in)
	if status != 0 || errs != "" || out != want {
		t.Errorf("status %d, errors %q, output\n%s\nwant\n%s", status, errs, out, want)
	}
	if _, again, _ := call(out); again != want {
		t.Errorf("judged again:\n%s", again)
	}
}

// What cannot be judged is never a silent false.
func TestFilterErrors(t *testing.T) {
	const good = `{"gold":"1","pred":"1"}` + "\n"
	const goodOut = `{"gold":"1","pred":"1","equal":true,"answer":"1","reason":"equal"}` + "\n"
	for _, c := range []struct{ in, out, want string }{
		{good + "not JSON\n" + good, goodOut, "verify: line 2: invalid character"},
		{good + `{"gold":"1"}`, goodOut, `line 2: want the fields "gold" and "pred"`},
		{good + `{"gold":null,"pred":"1"}`, goodOut, `line 2: want the fields "gold" and "pred"`},
		{good + `{"gold":["1"],"pred":"1"}`, goodOut, "line 2: want a string or a number"},
		{good + "[]", goodOut, "line 2: json: cannot unmarshal array"},
		{`{"gold":"1/0","pred":"1/0"}` + "\n" + good,
			`{"gold":"1/0","pred":"1/0","equal":false,"answer":"1/0","reason":"unreadable gold"}` + "\n" + goodOut,
			"1 gold answers could not be read; the first: line 1:"},
	} {
		status, out, errs := call(c.in)
		if status != 1 || out != c.out || !strings.Contains(errs, c.want) {
			t.Errorf("%q: status %d, output %q, errors %q, want %q", c.in, status, out, errs, c.want)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"-h", 0, "Usage: verify"},
		{"-servo", 2, "flag provided but not defined"},
		{"file.jsonl", 2, `argument "file.jsonl" is not understood`},
		{"-serve 8765", 2, "missing port in address"},
		{"-concurrent -1", 2, "Concurrent -1"},
		{"-serve 127.0.0.1:99999", 1, "99999"},
	} {
		if status, _, errs := call("", strings.Fields(c.args)...); status != c.status || !strings.Contains(errs, c.want) {
			t.Errorf("%s: status %d, errors %q", c.args, status, errs)
		}
	}
	for addr, want := range map[string]string{":80": "127.0.0.1:80", "0.0.0.0:80": "0.0.0.0:80", "[::1]:80": "[::1]:80"} {
		if got, err := local(addr); got != want || err != nil {
			t.Errorf("local(%q) = %q, %v, want %q", addr, got, err, want)
		}
	}
}

func TestResponse(t *testing.T) {
	for _, c := range []struct{ query, prompt, want string }{
		{"What? \\boxed{}\n1", "What? \\boxed{}\n", "1"},
		{"<s> What?1", "What?", "1"},
		{"1", "", "1"},
		{"<s>  [INST] What ?[/INST] 1", "[INST]What?\n[/INST]", " 1"}, // white space of SentencePiece
		{"What? What? 1", "What?", " What? 1"},
	} {
		if got, err := response(c.query, c.prompt); got != c.want || err != nil {
			t.Errorf("response(%q, %q) = %q, %v, want %q", c.query, c.prompt, got, err, c.want)
		}
	}
	if got, err := response("1 "+strings.Repeat("x", 99)+" W h", "Who"); err == nil {
		t.Errorf("a query without its prompt has the response %q", got)
	}
}

func TestWithoutEnd(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"72.<|im_end|>\n<|endoftext|> </s><pad><pad>", "72."},
		{"72.<｜end▁of▁sentence｜>", "72."},
		{"x > 2 and <x>", "x > 2 and <x>"},
		{"1 <2>", "1 <2>"},
		{"<s>", ""},
		{"", ""},
	} {
		if got := withoutEnd(c.in); got != c.want {
			t.Errorf("withoutEnd(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}
