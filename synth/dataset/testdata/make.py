# Writes what the tests read: rows in the layouts of GSM8K and MATH, by the library that dataset hubs use.
# Made with pyarrow 26.0.1.
import pyarrow as pa
import pyarrow.parquet as pq

gsm8k = pa.table({
    "question": [f"How much is {i} and {i}?" for i in range(300)],
    "answer": [f"{i}+{i} = <<{i}+{i}={2*i}>>{2*i}.\n#### {2*i}" for i in range(300)],
})
pq.write_table(gsm8k, "gsm8k.parquet", row_group_size=100)
math = pa.table({
    "problem": pa.array([f"Halve ${i}$." for i in range(300)], pa.large_string()),
    "level": ["Level 5"] * 300,
    "solution": [f"It is $\\boxed{{\\frac{{{i}}}{{2}}}}$." for i in range(300)],
    "tags": [["algebra", "short"]] * 300,
    "score": pa.array([None if i % 2 else i / 2 for i in range(300)]),
})
pq.write_table(math, "math.parquet", compression="zstd", data_page_version="2.0")
