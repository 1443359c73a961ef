// A checksum database on loopback, run by the Go project's own server code, and its own answers to questions of
// the tests.
//
//	sumdbserver SIZE RECORDS.json
//
// It prints one JSON line: its base URL and its verifier key. RECORDS maps "MODULE VERSION" to the text of its
// record; other modules get a record of their own making. Below BASE/main and BASE/fork are two databases with
// one key. Their first SIZE records are the same, after these each has another.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const name = "sums.example.com"

func main() {
	size, err := strconv.Atoi(os.Args[1])
	check(err)
	data, err := os.ReadFile(os.Args[2])
	check(err)
	records := map[string]string{}
	check(json.Unmarshal(data, &records))
	skey, vkey, err := note.GenerateKey(nil, name)
	check(err)
	gosum := func(path, version string) ([]byte, error) {
		if text, ok := records[path+" "+version]; ok {
			return []byte(text), nil
		}
		sum := sha256.Sum256([]byte(path + "@" + version))
		hash := base64.StdEncoding.EncodeToString(sum[:])
		return []byte(fmt.Sprintf("%s %s h1:%s\n%s %s/go.mod h1:%s\n", path, version, hash, path, version, hash)), nil
	}
	for _, branch := range []string{"main", "fork"} {
		server := sumdb.NewTestServer(skey, gosum)
		grow(server, "example.com/common", size)
		grow(server, "example.com/"+branch, 1)
		prefix := "/" + branch + "/sumdb/" + name
		http.HandleFunc(prefix+"/supported", func(http.ResponseWriter, *http.Request) {})
		http.Handle(prefix+"/", http.StripPrefix(prefix, sumdb.NewServer(server)))
		http.HandleFunc("/"+branch+"/grow", func(_ http.ResponseWriter, r *http.Request) {
			count, err := strconv.Atoi(r.URL.Query().Get("count"))
			check(err)
			grow(server, "example.com/"+r.URL.Query().Get("name"), count)
		})
	}
	answer("/checktree", checkTree)
	answer("/netrc", func(question struct{ Text string }) any {
		entries := [][]string{}
		for _, l := range parseNetrc(question.Text) {
			entries = append(entries, []string{l.machine, l.login, l.password})
		}
		return entries
	})
	answer("/match", func(question struct{ Patterns, Path string }) any {
		return module.MatchPrefixPatterns(question.Patterns, question.Path)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	check(json.NewEncoder(os.Stdout).Encode(map[string]string{
		"base": "http://" + listener.Addr().String(), "vkey": vkey,
	}))
	check(http.Serve(listener, nil))
}

// grow adds records of the modules PREFIX0, PREFIX1 and so on.
func grow(server *sumdb.TestServer, prefix string, count int) {
	for i := range count {
		_, err := server.Lookup(context.Background(), module.Version{Path: fmt.Sprint(prefix, i), Version: "v1.0.0"})
		check(err)
	}
}

type treeQuestion struct {
	NewSize, OldSize int64
	NewRoot, OldRoot string
	Proof            []string
}

func checkTree(q treeQuestion) any {
	var proof tlog.TreeProof
	for _, text := range append(q.Proof, q.NewRoot, q.OldRoot) {
		hash, err := tlog.ParseHash(text)
		check(err)
		proof = append(proof, hash)
	}
	count := len(q.Proof)
	err := tlog.CheckTree(proof[:count], q.NewSize, proof[count], q.OldSize, proof[count+1])
	return err == nil
}

// answer serves one kind of question at path: JSON in, JSON out.
func answer[Q any](path string, work func(Q) any) {
	http.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		var question Q
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		check(json.NewEncoder(w).Encode(work(question)))
	})
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, strings.TrimSpace(err.Error()))
		os.Exit(1)
	}
}
