// Package dataset reads problems from the files of published data sets and writes files
// that other programs train on. It is not part of package synth because it links a Parquet
// library.
//
// [Open] reads JSON Lines, JSON and Parquet, one file or all of a directory. It finds the
// layout of each row by its columns:
//
//	GSM8K            question, answer with the solution before ####
//	MATH             problem, solution with the answer in its last box, level
//	OpenMathInstruct problem, generated_solution, expected_answer
//	others           question or problem, answer; id, level and solution if there are any
//
// Rows to write are made by [NewChat], [NewPreference], [NewRanking], [NewRestart] and
// [NewTuning], and written by [coat.WriteLines] or [WriteParquet]:
//
//	rows            read by
//	Chat            TRL's SFTTrainer; LLaMA-Factory, see [Info]
//	Preference      TRL's RewardTrainer and DPOTrainer
//	Ranking         LLaMA-Factory, see [Info]
//	Restart         the paper's own trainer: query, answer, reflect_status; see [ReadRestarts]
//	Tuning          what reads the paper's released demonstrations: query, response, type
package dataset
