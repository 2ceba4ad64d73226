// One definition of `planted`; planted_two.cpp has another.
struct planted {
    virtual ~planted() = default;
    int first = 1;
};

int sum_of_two();

int main() {
    planted const here;
    return here.first + sum_of_two();
}
