#include "commands/audit_tail.hpp"

#include "mcp_provider/json/parse.hpp"

#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <ostream>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

bool equals(boost::json::value const& value, std::string_view wanted) {
    if (auto const* const text = value.if_string())
        return std::string_view{text->data(), text->size()} == wanted;
    if (value.is_structured()) return false;
    return boost::json::serialize(value) == wanted;
}

/// What could be read at that offset; empty at the end of the file and on an error.
std::string read_piece(int file, off_t offset, std::size_t size) {
    std::string piece(size, '\0');
    ssize_t got = -1;
    do got = ::pread(file, piece.data(), size, offset);
    while (got < 0 && errno == EINTR);
    piece.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return piece;
}

} // namespace

std::optional<record_filter> record_filter::parse(std::string_view text) {
    std::size_t const equals_sign = text.find('=');
    if (equals_sign == std::string_view::npos || equals_sign == 0) return std::nullopt;
    return record_filter{std::string{text.substr(0, equals_sign)},
                         std::string{text.substr(equals_sign + 1)}};
}

bool record_filter::matches(std::string_view line) const {
    result<boost::json::value> const record = json::parse(line);
    if (!record || !record->is_object()) return false;
    boost::json::value const* const value = record->get_object().if_contains(key_);
    if (value == nullptr) return false;
    if (auto const* const list = value->if_array())
        return std::any_of(list->begin(), list->end(),
                           [this](auto const& item) { return equals(item, value_); });
    return equals(*value, value_);
}

log_reader::log_reader(std::filesystem::path path, std::vector<record_filter> filters)
    : path_{std::move(path)}, filters_{std::move(filters)} {}

log_reader::~log_reader() {
    if (file_ >= 0) ::close(file_);
}

bool log_reader::open() {
    int const opened = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0) return false;
    if (file_ >= 0) ::close(file_);
    file_ = opened;
    at_ = 0;
    partial_.clear();
    return true;
}

bool log_reader::matches(std::string_view line) const {
    return std::all_of(filters_.begin(), filters_.end(),
                       [line](record_filter const& one) { return one.matches(line); });
}

bool log_reader::print_last(std::size_t lines, std::ostream& out) {
    if (!open()) return false;
    if (filters_.empty()) {
        at_ = start_of_last(lines);
        print_lines(out);
        return true;
    }
    std::deque<std::string> last;
    for (std::string piece; !(piece = read_piece(file_, at_, piece_bytes)).empty();) {
        at_ += static_cast<off_t>(piece.size());
        partial_ += piece;
        std::size_t begin = 0;
        for (std::size_t end; (end = partial_.find('\n', begin)) != std::string::npos;
             begin = end + 1) {
            std::string line = partial_.substr(begin, end - begin);
            if (!matches(line)) continue;
            last.push_back(std::move(line));
            if (last.size() > lines) last.pop_front();
        }
        partial_.erase(0, begin);
    }
    for (std::string const& line : last) out << line << '\n';
    return true;
}

void log_reader::print_new(std::ostream& out) {
    if (file_ < 0 && !open()) return;
    // Asked before reading: what is written to the old file later does not exist.
    bool const replaced = was_replaced();
    print_lines(out);
    if (replaced && open()) print_lines(out);
}

void log_reader::print_lines(std::ostream& out) {
    for (std::string piece; !(piece = read_piece(file_, at_, piece_bytes)).empty();) {
        at_ += static_cast<off_t>(piece.size());
        partial_ += piece;
        std::size_t begin = 0;
        for (std::size_t end; (end = partial_.find('\n', begin)) != std::string::npos;
             begin = end + 1) {
            std::string_view const line = std::string_view{partial_}.substr(begin, end - begin);
            if (matches(line)) out << line << '\n';
        }
        partial_.erase(0, begin);
    }
}

bool log_reader::was_replaced() const {
    struct stat here {};
    struct stat there {};
    if (::fstat(file_, &here) != 0 || ::stat(path_.c_str(), &there) != 0) return false;
    return here.st_ino != there.st_ino || here.st_dev != there.st_dev || there.st_size < at_;
}

off_t log_reader::start_of_last(std::size_t lines) const {
    struct stat status {};
    if (::fstat(file_, &status) != 0) return 0;
    off_t end = status.st_size;
    // The last line ends with a line feed of its own, so one more is looked for. A line that is not
    // whole yet is printed later.
    std::size_t wanted = lines + 1;
    while (end > 0) {
        auto const size =
            static_cast<std::size_t>(std::min<off_t>(end, static_cast<off_t>(piece_bytes)));
        off_t const begin = end - static_cast<off_t>(size);
        std::string const piece = read_piece(file_, begin, size);
        for (std::size_t i = piece.size(); i-- != 0;)
            if (piece[i] == '\n' && --wanted == 0) return begin + static_cast<off_t>(i) + 1;
        end = begin;
    }
    return 0;
}

} // namespace mcp_provider::server
