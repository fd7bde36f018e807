package strictjson_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed1a8f7c28/session/internal/strictjson"
)

func TestMembers(t *testing.T) {
	text := "{\n \"a\" : [1, {\"b\": 2}],\"\\u0061\":null , \"\":\"}\" }"
	list, err := strictjson.Members([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ key, value, text, place string }{
		{"a", `[1, {"b": 2}]`, `"a" : [1, {"b": 2}]`, "line 2, column 2"},
		{"a", `null`, `"\u0061":null`, "line 2, column 22"},
		{"", `"}"`, `"":"}"`, "line 2, column 38"},
	}
	if len(list) != len(want) {
		t.Fatalf("got %d members, want %d", len(list), len(want))
	}
	for i, m := range list {
		got := want[i]
		got.key, got.value, got.text = m.Key, string(m.Value), text[m.Start:m.End]
		if got.place = strictjson.Place([]byte(text), m.Start); got != want[i] {
			t.Errorf("got  %q\nwant %q", got, want[i])
		}
	}
}

func TestSuggest(t *testing.T) {
	keys := []string{"cookieName", "cookiePath", "secure"}
	for key, want := range map[string]string{
		"cookiename":              "did you mean cookieName?",
		"cookie_name":             "did you mean cookieName?",
		"secur":                   "did you mean secure?",
		"sceure":                  "did you mean secure?",
		"ookiePat":                "did you mean cookiePath?",
		"okiePat":                 "the keys are cookieName, cookiePath, secure",
		"":                        "the keys are cookieName, cookiePath, secure",
		strings.Repeat("x", 1000): "the keys are cookieName, cookiePath, secure",
	} {
		if got := strictjson.Suggest(key, keys); got != want {
			t.Errorf("Suggest(%.20q) = %q, want %q", key, got, want)
		}
	}
	if got, want := strictjson.Suggest("ab", []string{"a", "b"}), "did you mean a or b?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzMembers checks that the members of an object are those that encoding/json finds, and where they stand.
func FuzzMembers(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":1,"a":2}`, " {\n\"\\\"\" : {\"b\":[]} }", `null`, `{"a"`, "{\"\xff\":1}", `[]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := strictjson.Members(data)
		var object map[string]json.RawMessage
		if json.Unmarshal(data, &object) != nil || object == nil {
			if err == nil {
				t.Fatalf("%q is no object, but has %d members", data, len(list))
			}
			return
		}
		if (err == nil) != utf8.Valid(data) {
			t.Fatalf("%q: %v", data, err)
		}
		if err != nil {
			return
		}
		last := make(map[string]json.RawMessage)
		for _, m := range list {
			last[m.Key] = m.Value
			var one map[string]json.RawMessage
			if err := json.Unmarshal([]byte("{"+string(data[m.Start:m.End])+"}"), &one); err != nil || len(one) != 1 {
				t.Errorf("%q: a member is %q: %v", data, data[m.Start:m.End], err)
			}
		}
		if !reflect.DeepEqual(last, object) {
			t.Errorf("%q: got %q, want %q", data, last, object)
		}
	})
}

// FuzzExpand checks that JSON stays JSON with the same keys, whatever a variable holds, and that text without variables
// stays as it is.
func FuzzExpand(f *testing.F) {
	f.Add(`{"a": "${SESSION_FUZZ}", "${k}": ["x${SESSION_FUZZ}", "\"$${"]}`, `v"\`)
	f.Add(`a$${b${SESSION_FUZZ}`, "${SESSION_FUZZ}")
	f.Add("${", "")
	f.Fuzz(func(t *testing.T, text, value string) {
		if strings.Contains(text, "file:") || strings.ContainsRune(value, 0) {
			t.Skip("would read files, or is no value of a variable")
		}
		t.Setenv("SESSION_FUZZ", value)
		got, err := strictjson.Expand(text)
		if !strings.Contains(text, "${") && !strings.Contains(text, `\u00`) && (err != nil || got != text) {
			t.Errorf("Expand(%q) = %q, %v", text, got, err)
		}
		var before, after map[string]any
		if err != nil || json.Unmarshal([]byte(text), &before) != nil || before == nil {
			return
		}
		if err := json.Unmarshal([]byte(got), &after); err != nil {
			t.Fatalf("Expand(%q) = %q: %v", text, got, err)
		}
		for key := range before {
			if _, ok := after[key]; !ok || len(after) != len(before) {
				t.Errorf("Expand(%q) = %q", text, got)
			}
		}
	})
}
