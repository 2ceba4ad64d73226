// Wrong: nothing is expected of the compiler.
int main() {}
