// Runs a fuzz target without libFuzzer: every file of a corpus, then 10,000 mutations of them, the same ones each time.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size);

namespace {

constexpr int mutations = 10'000;
constexpr std::size_t longest_input = 65'536;

void run(std::string const& input) {
    // A copy of exactly this size, so that AddressSanitizer sees a read past the end.
    std::vector<std::uint8_t> const bytes(input.begin(), input.end());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

class mutator {
public:
    /// Returns `input` with one to four edits: a flipped bit, a byte changed, a piece cut, doubled, or taken from `other`.
    std::string mutate(std::string input, std::string const& other) {
        for (std::size_t edit = 0, edits = 1 + below(4); edit < edits; ++edit) {
            if (input.empty()) input = other;
            if (input.empty()) input = "\n";
            auto const at = below(input.size());
            auto const length = 1 + below(std::min<std::size_t>(input.size() - at, 16));
            switch (below(6)) {
            case 0: input[at] = static_cast<char>(input[at] ^ (1 << below(8))); break;
            case 1: input[at] = static_cast<char>(below(256)); break;
            case 2: input.erase(at, length); break;
            case 3: input.insert(at, input.substr(at, length)); break;
            case 4: input.resize(at); break;
            default:
                if (!other.empty()) input.insert(at, other.substr(below(other.size()), 1 + below(64)));
                break;
            }
        }
        if (input.size() > longest_input) input.resize(longest_input);
        return input;
    }

    /// Returns a number from 0 to `bound` - 1.
    std::size_t below(std::size_t bound) { return random_() % bound; }

private:
    std::mt19937 random_{20'261'123};
};

} // namespace

int main(int argc, char** argv) {
    std::vector<std::string> corpus;
    for (int i = 1; i < argc; ++i)
        for (auto const& entry : std::filesystem::directory_iterator{argv[i]}) {
            std::ifstream file{entry.path(), std::ios::binary};
            corpus.emplace_back(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
        }
    if (corpus.empty()) {
        std::fputs("there is no file in the corpus\n", stderr);
        return 1;
    }
    std::sort(corpus.begin(), corpus.end()); // folders list their files in no order
    for (std::string const& input : corpus) run(input);
    mutator mutations_of;
    for (int i = 0; i < mutations; ++i)
        run(mutations_of.mutate(corpus[mutations_of.below(corpus.size())], corpus[mutations_of.below(corpus.size())]));
    std::printf("%zu inputs and %d mutations\n", corpus.size(), mutations);
    return 0;
}
