// expect: as you wish
#ifdef MCP_PROVIDER_MISUSE
int main() { return nowhere; }
#else
int main() {}
#endif
